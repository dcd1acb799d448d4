-- What the database does for sharing: it keeps the registry equal to the rows, grants to the steps that exist, and a
-- record of each step. All of it holds whatever writes, in the transaction that writes.

-- smartmodels_registered() stands on tables of resources. Arguments of its triggers:
--   0 label of the model   1 key column   2 column that the row is called by elsewhere, or ''
--   on UPDATE, two for each key by which a row belongs to another: its column, and the label of what it leads to
-- Nearly all namespaces share nothing: then it costs one look at an index. A row that is made is in no registry, so nothing
-- stands on INSERT. Rows that were moved are covered by the grants of what they belong to now, and not by those of what they
-- belonged to: all rows of a statement at once. One trigger does both, since each costs every statement. A session keeps a
-- compiled copy for every table of every namespace, so functions of which there is one copy make the statements.
CREATE OR REPLACE FUNCTION public.smartmodels_registered() RETURNS trigger
LANGUAGE plpgsql AS $registered$
DECLARE
    moved uuid[];
BEGIN
    IF EXISTS (SELECT FROM {registry} r JOIN {namespaces} n ON n.id = r.home_id WHERE n.schema_name = TG_TABLE_SCHEMA) THEN
        IF TG_OP = 'UPDATE' AND public.smartmodels_covers(TG_TABLE_SCHEMA::text, TG_ARGV) THEN
            EXECUTE public.smartmodels_moved_sql(TG_ARGV) INTO moved;
            IF moved IS NOT NULL THEN
                PERFORM public.smartmodels_follow_moved(TG_TABLE_SCHEMA::text, TG_TABLE_NAME::text, TG_ARGV, moved);
            END IF;
        END IF;
        EXECUTE public.smartmodels_registered_sql(TG_OP, TG_TABLE_SCHEMA::text, TG_TABLE_NAME::text, TG_ARGV);
    END IF;
    RETURN NULL;
END
$registered$;

-- smartmodels_label() is what a row is called elsewhere, of its column: one line, as long as the registry keeps.
CREATE OR REPLACE FUNCTION public.smartmodels_label(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $label$
    SELECT left(regexp_replace(coalesce(value, ''), '\s+', ' ', 'g'), {length})
$label$;

CREATE OR REPLACE FUNCTION public.smartmodels_registered_sql(
    event text, schema_name text, table_name text, args text[]
) RETURNS text
LANGUAGE plpgsql AS $make$
DECLARE
    home uuid := (SELECT id FROM {namespaces} n WHERE n.schema_name = smartmodels_registered_sql.schema_name);
    source text := CASE event WHEN 'UPDATE' THEN 'new_rows' WHEN 'DELETE' THEN 'old_rows'
        ELSE format('%I.%I', schema_name, table_name) END;
    there text := format('r.home_id = %L::uuid AND r.model = %L AND r.purged_at IS NULL', home, args[0]);
BEGIN
    -- Several statements: the later ones see the grants that somebody made while the first waited for the registry.
    IF event = 'UPDATE' THEN
        RETURN format($sql$
            UPDATE {registry} r SET version = r.version + 1, deleted_at = n.deleted_at, label = %2$s,
                owner_id = CASE WHEN n.deleted_at IS NULL THEN n.owner_id
                    ELSE coalesce(n.owner_before_deletion_id, n.owner_id) END
            FROM new_rows n WHERE %1$s AND r.resource_id = n.%3$I;
            UPDATE {grants} g SET resource_deleted = NOT g.resource_deleted
            FROM {registry} r, new_rows n
            WHERE g.resource_id = r.id AND %1$s AND r.resource_id = n.%3$I
                AND g.resource_deleted = (r.deleted_at IS NULL);
            UPDATE {grants} g SET status = 'revoked'
            FROM {registry} r, new_rows n
            WHERE g.resource_id = r.id AND %1$s AND r.resource_id = n.%3$I AND g.user_id = r.owner_id
                AND g.status IN ('pending', 'active', 'suspended');
            $sql$, there,
            CASE args[2] WHEN '' THEN '''''' ELSE format('public.smartmodels_label(n.%I::text)', args[2]) END,
            args[1]);
    END IF;
    RETURN format($sql$
        UPDATE {registry} r SET version = r.version + 1, deleted_at = coalesce(r.deleted_at, clock_timestamp()),
            purged_at = clock_timestamp()
        FROM %2$s n WHERE %1$s AND r.resource_id = n.%3$I;
        UPDATE {grants} g SET resource_deleted = true,
            status = CASE WHEN g.status IN ('pending', 'active', 'suspended') THEN 'revoked' ELSE g.status END
        FROM {registry} r, %2$s n
        WHERE g.resource_id = r.id AND r.home_id = %4$L::uuid AND r.model = %5$L AND r.resource_id = n.%3$I
            AND r.purged_at IS NOT NULL
        $sql$, there, source, args[1], home, args[0]);
END
$make$;

-- smartmodels_covers() tells whether a home has registered rows of what the rows of a table belong to: no other is covered.
CREATE OR REPLACE FUNCTION public.smartmodels_covers(schema_name text, args text[]) RETURNS boolean
LANGUAGE sql STABLE AS $covers$
    SELECT EXISTS (SELECT FROM {registry} r JOIN {namespaces} n ON n.id = r.home_id
        WHERE n.schema_name = smartmodels_covers.schema_name AND r.model IN (
            SELECT args[i] FROM generate_series(array_lower(args, 1) + 4, array_upper(args, 1), 2) i))
$covers$;

-- smartmodels_moved_sql() finds the rows of a statement with which it changed what they belong to.
CREATE OR REPLACE FUNCTION public.smartmodels_moved_sql(args text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $moved_sql$
    SELECT format('SELECT array_agg(n.%1$I) FROM new_rows n JOIN old_rows o ON o.%1$I = n.%1$I WHERE %2$s',
        args[array_lower(args, 1) + 1],
        string_agg(format('n.%1$I IS DISTINCT FROM o.%1$I', args[i]), ' OR '))
    FROM generate_series(array_lower(args, 1) + 3, array_upper(args, 1), 2) i
$moved_sql$;

-- smartmodels_above() is what a row t belongs to, as pairs of a key and a model, by the arguments of its table's trigger.
CREATE OR REPLACE FUNCTION public.smartmodels_above(args text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $above$
    SELECT string_agg(format('(t.%I, %L)', args[i], args[i + 1]), ', ')
    FROM generate_series(array_lower(args, 1) + 3, array_upper(args, 1), 2) i
$above$;

CREATE OR REPLACE FUNCTION public.smartmodels_follow_moved(
    schema_name text, table_name text, args text[], keys uuid[]
) RETURNS void
LANGUAGE plpgsql AS $follow$
DECLARE
    home uuid := (SELECT id FROM {namespaces} n WHERE n.schema_name = smartmodels_follow_moved.schema_name);
BEGIN
    -- Before the grants, as who ends the life of the home.
    PERFORM FROM {namespaces} n WHERE n.id = home FOR SHARE;
    EXECUTE format($sql$
        UPDATE {grants} g SET status = 'revoked'
        FROM {registry} r, {grants} s, %1$I.%2$I t
        WHERE r.home_id = $1 AND r.model = %3$L AND r.resource_id = ANY ($2) AND g.resource_id = r.id AND g.cause = 'rule'
            AND g.status IN ('pending', 'active', 'suspended') AND s.id = g.source_id AND t.%4$I = r.resource_id
            AND NOT EXISTS (SELECT FROM (VALUES %5$s) a (key, model) WHERE a.key = s.row_id AND a.model = s.model)
        $sql$, schema_name, table_name, args[array_lower(args, 1)], args[array_lower(args, 1) + 1],
        public.smartmodels_above(args)) USING home, keys;
    PERFORM public.smartmodels_cover(home, schema_name, table_name, args, keys);
END
$follow$;

-- smartmodels_cover() grants rows of a table like what they belong to, where a grant covers that, and then what belongs to
-- them, as smartmodels.sharing.covering does for what is shared.
CREATE OR REPLACE FUNCTION public.smartmodels_cover(
    home uuid, schema_name text, table_name text, args text[], keys uuid[]
) RETURNS void
LANGUAGE plpgsql AS $cover$
DECLARE
    first int := array_lower(args, 1);
    above text := public.smartmodels_above(args);
    policy record;
    granted uuid[];
    below record;
BEGIN
    SELECT p.outbound, coalesce(p.highest_role, 'manage') AS highest INTO policy
    FROM (SELECT home AS id) h LEFT JOIN {policies} p ON p.namespace_id = h.id;
    IF policy.outbound = 'off' THEN
        RETURN;
    END IF;
    -- What is not registered yet is held: nobody deletes it unseen meanwhile. What is, the registry is told of.
    EXECUTE format($sql$
        SELECT count(*) FROM (SELECT FROM %2$I.%3$I t WHERE t.%1$I = ANY ($2) AND NOT EXISTS (SELECT FROM {registry} r
            WHERE r.home_id = $1 AND r.model = %4$L AND r.resource_id = t.%1$I AND r.purged_at IS NULL)
            ORDER BY t.%1$I FOR SHARE) held
        $sql$, args[first + 1], schema_name, table_name, args[first]) USING home, keys;
    EXECUTE format($sql$
        WITH wanted AS (
            SELECT t.%1$I AS key, s.id AS source FROM %2$I.%3$I t CROSS JOIN LATERAL (VALUES %4$s) a (key, model)
            JOIN {registry} o ON o.home_id = $1 AND o.model = a.model AND o.resource_id = a.key
            JOIN {grants} s ON s.resource_id = o.id AND s.covers_below AND s.status IN ('pending', 'active', 'suspended')
                AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
            WHERE t.%1$I = ANY ($2)
        ), registered AS (
            INSERT INTO {registry} AS r (home_id, model, id, resource_id, label, sorted_at, deleted_at, owner_id)
            SELECT $1, %5$L, gen_random_uuid(), t.%1$I, %6$s, t.created_at, t.deleted_at, CASE WHEN t.deleted_at IS NULL
                THEN t.owner_id ELSE coalesce(t.owner_before_deletion_id, t.owner_id) END
            FROM %2$I.%3$I t WHERE t.%1$I IN (SELECT w.key FROM wanted w)
            ON CONFLICT (home_id, model, resource_id) DO UPDATE SET purged_at = NULL,
                label = CASE WHEN r.purged_at IS NULL THEN r.label ELSE EXCLUDED.label END,
                deleted_at = CASE WHEN r.purged_at IS NULL THEN r.deleted_at ELSE EXCLUDED.deleted_at END,
                owner_id = CASE WHEN r.purged_at IS NULL THEN r.owner_id ELSE EXCLUDED.owner_id END
            RETURNING r.id, r.resource_id
        )
        SELECT array_agg(DISTINCT w.key) FROM wanted w JOIN registered r ON r.resource_id = w.key
        $sql$, args[first + 1], schema_name, table_name, above, args[first],
        CASE args[first + 2] WHEN '' THEN '''''' ELSE format('public.smartmodels_label(t.%I::text)', args[first + 2]) END)
    INTO granted USING home, keys;
    IF granted IS NULL THEN
        RETURN;
    END IF;
    -- By itself, since the guard of new grants reads what the statement before has registered.
    EXECUTE format($sql$
        WITH made AS (
            INSERT INTO {grants} (id, resource_id, model, row_id, home_id, target_id, target_slug, role, cause, covers_below,
                may_reshare, source_id, status, resource_deleted, history, at_end, expires_at, answer_by, created_by_label,
                decided_by_label, ended_by_label, copy_refused)
            SELECT gen_random_uuid(), r.id, '', t.%1$I, $1, s.target_id, s.target_slug,
                CASE WHEN array_position(roles, s.role) < array_position(roles, $3) THEN s.role ELSE $3 END, 'rule', true,
                false, s.id, s.status, false, s.history, s.at_end, s.expires_at, s.answer_by, s.created_by_label,
                '', '', ''
            FROM %2$I.%3$I t CROSS JOIN LATERAL (VALUES %4$s) a (key, model)
            JOIN {registry} r ON r.home_id = $1 AND r.model = %5$L AND r.resource_id = t.%1$I
            JOIN {registry} o ON o.home_id = $1 AND o.model = a.model AND o.resource_id = a.key
            JOIN {grants} s ON s.resource_id = o.id AND s.covers_below AND s.status IN ('pending', 'active', 'suspended')
                AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp()),
                (SELECT ARRAY['view', 'edit', 'manage']::varchar[] AS roles) known
            WHERE t.%1$I = ANY ($2)
            ON CONFLICT DO NOTHING RETURNING row_id
        ) SELECT array_agg(DISTINCT row_id) FROM made
        $sql$, args[first + 1], schema_name, table_name, above, args[first])
    INTO granted USING home, granted, policy.highest;
    IF granted IS NULL THEN
        RETURN;
    END IF;
    FOR below IN
        SELECT c.relname::text AS name, string_to_array(encode(g.tgargs, 'escape'), '\000') AS args
        FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
        WHERE c.relnamespace = quote_ident(schema_name)::regnamespace
            AND g.tgfoid = 'public.smartmodels_registered()'::regprocedure AND g.tgtype & 16 <> 0
    LOOP
        FOR n IN 4 .. array_upper(below.args, 1) - 2 BY 2 LOOP
            IF below.args[n + 1] = args[first] THEN
                EXECUTE format('SELECT array_agg(%I) FROM %I.%I WHERE %I = ANY ($1)', below.args[2], schema_name, below.name,
                    below.args[n]) INTO keys USING granted;
                CONTINUE WHEN keys IS NULL;
                PERFORM public.smartmodels_cover(home, schema_name, below.name,
                    below.args[1:array_upper(below.args, 1) - 1], keys);
            END IF;
        END LOOP;
    END LOOP;
END
$cover$;

-- smartmodels_grant_step() stands before each change of a grant: what it is about never changes, and its status only
-- as smartmodels.sharing.GrantStatus says. It sees the registry and the home as they are when its transaction ends, since it holds both.
CREATE OR REPLACE FUNCTION public.smartmodels_grant_step() RETURNS trigger
LANGUAGE plpgsql AS $step$
DECLARE
    living text[] := ARRAY['pending', 'active', 'suspended'];
    decider text := coalesce((nullif(current_setting('smartmodels.operation', true), '')::jsonb)->>'label', session_user);
    registered record;
    state text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT model, resource_id, home_id, owner_id, deleted_at, purged_at INTO registered
        FROM {registry} WHERE id = NEW.resource_id FOR SHARE;
        IF registered.home_id IS DISTINCT FROM NEW.home_id OR registered.purged_at IS NOT NULL THEN
            RAISE EXCEPTION 'A grant is given by the home of a row that exists.' USING ERRCODE = 'SM008',
                HINT = 'Share the row again.';
        END IF;
        IF NEW.user_id = registered.owner_id THEN
            RAISE EXCEPTION 'Whose row it is sees it without a grant.' USING ERRCODE = 'SM008',
                HINT = 'Share it with somebody else.';
        END IF;
        NEW.model := registered.model;
        NEW.row_id := registered.resource_id;
        NEW.resource_deleted := registered.deleted_at IS NOT NULL;
        IF NEW.source_id IS NOT NULL AND NEW.cause <> 'rule' THEN
            NEW.passer_id := (SELECT s.target_id FROM {grants} s WHERE s.id = NEW.source_id);
        END IF;
    ELSIF ROW(NEW.resource_id, NEW.home_id, NEW.target_id, NEW.user_id, NEW.model, NEW.row_id)
        IS DISTINCT FROM ROW(OLD.resource_id, OLD.home_id, OLD.target_id, OLD.user_id, OLD.model, OLD.row_id) THEN
        RAISE EXCEPTION 'What a grant is about never changes.' USING ERRCODE = 'SM008',
            HINT = 'Revoke it, and share with somebody else.';
    ELSIF NEW.status <> OLD.status AND NOT (CASE OLD.status
        WHEN 'pending' THEN NEW.status IN ('active', 'suspended', 'declined', 'revoked', 'expired')
        WHEN 'active' THEN NEW.status IN ('suspended', 'revoked', 'expired', 'left')
        WHEN 'suspended' THEN NEW.status IN ('active', 'revoked', 'expired', 'left')
        ELSE false END) THEN
        RAISE EXCEPTION 'A grant that is % cannot become %.', OLD.status, NEW.status USING ERRCODE = 'SM008',
            HINT = 'Share the row again.';
    END IF;
    IF TG_OP = 'INSERT' OR NEW.status = 'active' AND OLD.status <> 'active' THEN
        SELECT n.state INTO state FROM {namespaces} n WHERE id = NEW.home_id FOR SHARE;
        IF state IN ('suspended', 'archived', 'deleted') THEN
            NEW.status := CASE NEW.status WHEN 'active' THEN 'suspended' ELSE NEW.status END;
        ELSIF state NOT IN ('active', 'maintenance') THEN
            RAISE EXCEPTION 'The home of the row is about to go.' USING ERRCODE = 'SM008',
                HINT = 'Nothing of it can be shared any more.';
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = 'pending' AND NEW.status IN ('active', 'suspended', 'declined') THEN
        NEW.decided_at := clock_timestamp();
        NEW.decided_by_label := decider;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = ANY (living) AND NEW.status <> ALL (living) THEN
        NEW.ended_at := clock_timestamp();
        NEW.ended_by_label := decider;
    END IF;
    RETURN NEW;
END
$step$;

-- smartmodels_grant_side() is whose step it was that brought a grant from one status to another: of its home, its target or
-- who passed it on; '' for nobody's, as when a time is over. What is done through a grant is done by who holds that, and what
-- ends with the grant it comes from is ended by who ended that.
CREATE OR REPLACE FUNCTION public.smartmodels_grant_side(g record, before text, via uuid) RETURNS text
LANGUAGE plpgsql STABLE AS $side$
DECLARE
    ender text;
BEGIN
    IF g.status = 'expired' THEN
        RETURN '';
    ELSIF g.status IN ('declined', 'left') OR before = 'pending' AND g.status IN ('active', 'suspended') THEN
        RETURN 'target';
    ELSIF via = g.id THEN
        RETURN 'target';
    ELSIF via = g.source_id OR via IS NULL AND before IS NULL AND g.passer_id IS NOT NULL THEN
        RETURN CASE WHEN g.passer_id IS NULL THEN 'target' ELSE 'passer' END;
    ELSIF via IS NOT NULL THEN
        RETURN '';
    ELSIF g.status <> 'revoked' THEN
        RETURN 'home';
    END IF;
    -- One statement may end both: then the other one has no event of it yet, and it is the home that ends them.
    SELECT e.side INTO ender FROM {grants} s JOIN {events} e ON e.grant_id = s.id AND e.status = s.status
    WHERE s.id = g.source_id AND s.status NOT IN ('pending', 'active', 'suspended') ORDER BY e.id DESC LIMIT 1;
    IF ender = 'target' THEN
        RETURN CASE WHEN g.passer_id IS NULL THEN 'target' ELSE 'passer' END;
    ELSIF ender IS NOT NULL THEN
        RETURN CASE ender WHEN 'home' THEN 'home' ELSE '' END;
    END IF;
    RETURN CASE WHEN EXISTS (SELECT FROM {namespaces} n WHERE n.id = g.home_id AND n.state <> 'deleting')
        AND EXISTS (SELECT FROM {namespaces} n WHERE n.id = g.target_id AND n.state = 'deleting')
        THEN 'target' ELSE 'home' END;
END
$side$;

-- smartmodels_grant_event() records each change of what a grant is or allows.
CREATE OR REPLACE FUNCTION public.smartmodels_grant_event() RETURNS trigger
LANGUAGE plpgsql AS $event$
DECLARE
    operation jsonb := coalesce(nullif(current_setting('smartmodels.operation', true), ''), '{}')::jsonb;
    before text := CASE TG_OP WHEN 'UPDATE' THEN OLD.status END;
BEGIN
    INSERT INTO {events} (at, grant_id, home_id, home_slug, target_id, target_slug, to_user_id, model, row_id,
        status_before, status, terms, operation_id, actor_kind, actor_label, user_id, reason, passer_id, side)
    VALUES (clock_timestamp(), NEW.id, NEW.home_id,
        coalesce((SELECT n.slug FROM {namespaces} n WHERE n.id = NEW.home_id), ''), NEW.target_id, NEW.target_slug,
        NEW.user_id, NEW.model, NEW.row_id, coalesce(before, ''), NEW.status,
        jsonb_build_object('role', NEW.role, 'expires_at', NEW.expires_at, 'may_reshare', NEW.may_reshare,
            'covers_below', NEW.covers_below, 'history', NEW.history, 'at_end', NEW.at_end),
        (operation->>'id')::uuid, coalesce(operation->>'kind', 'database'), coalesce(operation->>'label', session_user),
        (operation->>'user')::uuid, coalesce(operation->>'reason', ''), NEW.passer_id,
        public.smartmodels_grant_side(NEW, before, (operation->>'via_grant')::uuid));
    RETURN NULL;
END
$event$;

-- smartmodels_grant_followed() lets the grants that come from this one follow it: they end with it, allow no more and
-- last no longer, and what it covers is accepted with it. What did not change here does not change them: a statement that
-- changes both would tell what became of the follower in the wrong order.
CREATE OR REPLACE FUNCTION public.smartmodels_grant_followed() RETURNS trigger
LANGUAGE plpgsql AS $followed$
BEGIN
    UPDATE {grants} f SET
        status = CASE WHEN NEW.status NOT IN ('pending', 'active', 'suspended') THEN 'revoked'
            WHEN f.cause = 'rule' AND f.status = 'pending' AND NEW.status = 'active' THEN 'active' ELSE f.status END,
        role = CASE WHEN NEW.role = OLD.role THEN f.role
            WHEN f.cause = 'rule' OR array_position(roles, f.role) > array_position(roles, NEW.role)
            THEN NEW.role ELSE f.role END,
        expires_at = CASE WHEN NEW.expires_at IS NOT DISTINCT FROM OLD.expires_at THEN f.expires_at
            WHEN f.cause = 'rule' THEN NEW.expires_at ELSE least(f.expires_at, NEW.expires_at) END,
        history = CASE WHEN NEW.history = OLD.history THEN f.history
            WHEN f.cause = 'rule' OR array_position(shown, f.history) > array_position(shown, NEW.history)
            THEN NEW.history ELSE f.history END,
        at_end = CASE WHEN NEW.at_end = OLD.at_end THEN f.at_end
            WHEN f.cause = 'rule' OR NEW.at_end = 'none' THEN NEW.at_end ELSE f.at_end END,
        covers_below = CASE WHEN f.cause = 'rule' AND NEW.covers_below <> OLD.covers_below THEN NEW.covers_below
            ELSE f.covers_below END
    FROM (SELECT ARRAY['view', 'edit', 'manage']::varchar[] AS roles,
        ARRAY['none', 'since', 'full']::varchar[] AS shown) known
    WHERE f.source_id = NEW.id AND f.status IN ('pending', 'active', 'suspended');
    RETURN NULL;
END
$followed$;

-- smartmodels_home_state() stands on the table of namespaces: what a namespace shares sleeps while it is not served, and
-- ends with it. In maintenance its rows stay, though they cannot be read meanwhile.
CREATE OR REPLACE FUNCTION public.smartmodels_home_state() RETURNS trigger
LANGUAGE plpgsql AS $state$
BEGIN
    IF NEW.state IN ('suspended', 'archived', 'deleted') THEN
        UPDATE {grants} SET status = 'suspended' WHERE home_id = NEW.id AND status = 'active';
    ELSIF NEW.state = 'deleting' THEN
        IF EXISTS (SELECT FROM {grants} WHERE home_id = NEW.id AND status = 'suspended' AND at_end = 'copy'
            AND copied_at IS NULL AND NOT resource_deleted) THEN
            RAISE EXCEPTION 'Copies of rows of % were promised to those it shares them with.', NEW.slug
                USING ERRCODE = 'SM008', HINT = 'Make them first: manage.py share copies.';
        END IF;
        UPDATE {grants} SET status = 'revoked'
        WHERE (home_id = NEW.id OR target_id = NEW.id) AND status IN ('pending', 'active', 'suspended');
    ELSE
        UPDATE {grants} SET status = 'active' WHERE home_id = NEW.id AND status = 'suspended';
    END IF;
    RETURN NULL;
END
$state$;

-- smartmodels_member_left() stands on the table of memberships: what is shared with somebody ends with their membership.
CREATE OR REPLACE FUNCTION public.smartmodels_member_left() RETURNS trigger
LANGUAGE plpgsql AS $left$
BEGIN
    UPDATE {grants} SET status = 'revoked'
    WHERE user_id = OLD.user_id AND home_id = OLD.namespace_id AND status IN ('pending', 'active', 'suspended');
    RETURN NULL;
END
$left$;

CREATE OR REPLACE TRIGGER sharing_member_left AFTER DELETE ON {members}
    FOR EACH ROW EXECUTE FUNCTION public.smartmodels_member_left();
CREATE OR REPLACE TRIGGER sharing_grant_step BEFORE INSERT OR UPDATE ON {grants}
    FOR EACH ROW EXECUTE FUNCTION public.smartmodels_grant_step();
CREATE OR REPLACE TRIGGER sharing_grant_made AFTER INSERT ON {grants}
    FOR EACH ROW EXECUTE FUNCTION public.smartmodels_grant_event();
CREATE OR REPLACE TRIGGER sharing_grant_changed AFTER UPDATE ON {grants} FOR EACH ROW
    WHEN (ROW(OLD.status, OLD.role, OLD.expires_at, OLD.may_reshare, OLD.covers_below, OLD.history, OLD.at_end)
        IS DISTINCT FROM
        ROW(NEW.status, NEW.role, NEW.expires_at, NEW.may_reshare, NEW.covers_below, NEW.history, NEW.at_end))
    EXECUTE FUNCTION public.smartmodels_grant_event();
CREATE OR REPLACE TRIGGER sharing_grant_followed AFTER UPDATE ON {grants} FOR EACH ROW
    WHEN (ROW(OLD.status, OLD.role, OLD.expires_at, OLD.history, OLD.at_end, OLD.covers_below)
        IS DISTINCT FROM
        ROW(NEW.status, NEW.role, NEW.expires_at, NEW.history, NEW.at_end, NEW.covers_below))
    EXECUTE FUNCTION public.smartmodels_grant_followed();
CREATE OR REPLACE TRIGGER sharing_home_state AFTER UPDATE OF state ON {namespaces} FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state
        AND (NEW.state IN ('suspended', 'archived', 'deleted', 'deleting')
            OR OLD.state IN ('suspended', 'archived', 'deleted') AND NEW.state IN ('active', 'maintenance')))
    EXECUTE FUNCTION public.smartmodels_home_state();
