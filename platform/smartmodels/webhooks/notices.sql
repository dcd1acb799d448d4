-- smartmodels_grant_noticed() stands on the events of grants: the webhooks of the namespace that a grant is for are to tell of
-- it. What is written here is gone with the transaction that it is about, or there with it.
CREATE OR REPLACE FUNCTION public.smartmodels_grant_noticed() RETURNS trigger
LANGUAGE plpgsql AS $noticed$
BEGIN
    INSERT INTO {notices} (webhook_id, event_id) SELECT id, NEW.id FROM {webhooks} WHERE namespace_id = NEW.target_id;
    RETURN NULL;
END
$noticed$;
