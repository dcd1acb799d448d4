-- What the database does for owners: nobody owns anything new once their account is closed.
--
-- smartmodels_sentinel() is the key of the sentinel (SMARTMODELS_SENTINEL_UID).
CREATE OR REPLACE FUNCTION public.smartmodels_sentinel() RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $sentinel$ SELECT {sentinel}::uuid $sentinel$;

-- smartmodels_require_open() refuses accounts that are closed, and holds off those who are about to close one of
-- them until the transaction ends: closing takes the same lock alone (see smartmodels/ownership/locks.py). After the
-- wait READ COMMITTED sees what was committed meanwhile; a transaction with an older snapshot locks the account's row
-- instead, which fails when it has changed since. So do transactions that write for very many, to spare shared memory.
CREATE OR REPLACE FUNCTION public.smartmodels_require_open(owners uuid[]) RETURNS void
LANGUAGE plpgsql AS $open$
DECLARE
    held boolean;
    shut uuid;
BEGIN
    IF cardinality(owners) > 1 THEN
        owners := ARRAY(
            SELECT DISTINCT owner FROM unnest(owners) owner WHERE owner <> public.smartmodels_sentinel() ORDER BY owner);
    END IF;
    IF cardinality(owners) = 1 THEN
        -- Rather than PERFORM: an expression is ready in a third of the time of a query.
        held := pg_advisory_xact_lock_shared({lock}, uuid_hash(owners[1])) IS NULL;
    ELSIF cardinality(owners) <= 64 THEN
        PERFORM pg_advisory_xact_lock_shared({lock}, uuid_hash(owner)) FROM unnest(owners) owner;
    END IF;
    IF cardinality(owners) > 64 OR current_setting('transaction_isolation') <> 'read committed' THEN
        -- Apart from the next statement, whose condition would be judged first.
        PERFORM 1 FROM {users} WHERE id = ANY (owners) ORDER BY id FOR SHARE;
    END IF;
    SELECT id INTO shut FROM {users} WHERE id = ANY (owners) AND closed_at IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Account % is closed, so nothing new can belong to it.', shut USING ERRCODE = 'SM004',
            HINT = 'Log in with another account, or name another owner.';
    END IF;
END
$open$;

-- smartmodels_owners_open() stands on tables whose rows have an owner, for each INSERT. A session keeps a compiled copy
-- for every table of every namespace, so it is as short as can be.
CREATE OR REPLACE FUNCTION public.smartmodels_owners_open() RETURNS trigger
LANGUAGE plpgsql AS $owners$
BEGIN
    PERFORM public.smartmodels_require_open(
        ARRAY(SELECT owner_id FROM new_rows WHERE owner_id <> public.smartmodels_sentinel())
        || ARRAY(SELECT owner_before_deletion_id FROM new_rows WHERE owner_before_deletion_id IS NOT NULL));
    RETURN NULL;
END
$owners$;

-- smartmodels_owner_open() stands there for each row whose owner changes to somebody other than the sentinel.
CREATE OR REPLACE FUNCTION public.smartmodels_owner_open() RETURNS trigger
LANGUAGE plpgsql AS $owner$
BEGIN
    -- Thousands of rows that go to one account ask once: what is held then lasts as long as this setting does.
    IF NEW.owner_id::text IS DISTINCT FROM current_setting('smartmodels.open_account', true) THEN
        PERFORM public.smartmodels_require_open(ARRAY[NEW.owner_id]);
        PERFORM set_config('smartmodels.open_account', NEW.owner_id::text, true);
    END IF;
    RETURN NEW;
END
$owner$;

-- smartmodels_account_open() stands on tables of what lets a person in (memberships, tokens), before each row: the
-- sentinel gets none, nor does a closed account.
CREATE OR REPLACE FUNCTION public.smartmodels_account_open() RETURNS trigger
LANGUAGE plpgsql AS $account$
BEGIN
    IF NEW.user_id = public.smartmodels_sentinel() THEN
        RAISE EXCEPTION 'The sentinel owns what others left behind: it gets no % of its own.', TG_TABLE_NAME
            USING ERRCODE = 'SM006', HINT = 'Name an account of a person.';
    END IF;
    PERFORM public.smartmodels_require_open(ARRAY[NEW.user_id]);
    RETURN NEW;
END
$account$;

-- smartmodels_sentinel_fixed() stands on the table of accounts, for the sentinel's row.
CREATE OR REPLACE FUNCTION public.smartmodels_sentinel_fixed() RETURNS trigger
LANGUAGE plpgsql AS $fixed$
BEGIN
    RAISE EXCEPTION 'The sentinel owns what others left behind: it can be neither changed nor deleted.'
        USING ERRCODE = 'SM006', HINT = 'Leave the sentinel out.';
END
$fixed$;
