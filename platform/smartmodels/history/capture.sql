-- What the database does for history: write it, and let nobody rewrite it.
--
-- smartmodels_capture() writes one version per changed row of a statement, in the schema of the table that
-- changed, and one segment of the ledger that vouches for them. Arguments of its triggers, lists ready to use
-- (see smartmodels/history/capture.py):
--   0 history table   1 live table   2 key column   3 columns   4 the same of new rows   5 the same of old rows
--   6 soft-delete column, or ''      7 statement parts that copy tracked links, or ''
--   8 layout id   9 hashed columns of the history table   10 the layout, as JSON
--   11 column that points at the live table, where the trigger stands on a table of links; else ''
-- Who, why and in which operation come from the transaction's setting smartmodels.operation. The settings of the
-- function fix how values look as text, so that a digest can be computed again.
CREATE OR REPLACE FUNCTION public.smartmodels_capture() RETURNS trigger
LANGUAGE plpgsql
SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET bytea_output = 'hex'
SET extra_float_digits = 1
AS $capture$
DECLARE
    operation jsonb := coalesce(nullif(current_setting('smartmodels.operation', true), ''), '{}')::jsonb;
    kind text := quote_literal('~');
    action text := quote_literal('update');
    source text;
    links text;
BEGIN
    IF operation ? 'refused' THEN
        RAISE EXCEPTION 'Nobody is said to act on %.', TG_TABLE_NAME USING ERRCODE = 'SM001',
            HINT = 'Open an operation first: with operation(actor=...).';
    ELSIF TG_LEVEL = 'ROW' THEN
        RAISE EXCEPTION 'The key of a row of % cannot change: its history goes by it.', TG_TABLE_NAME
            USING ERRCODE = 'SM002', HINT = 'Make a new row and delete this one.';
    END IF;

    IF TG_ARGV[6] <> '' THEN
        kind := format('CASE WHEN n.%I IS NOT NULL THEN ''-'' ELSE ''~'' END', TG_ARGV[6]);
    END IF;
    IF TG_ARGV[11] <> '' THEN
        source := format('FROM %I.%I n WHERE n.%I IN (', TG_TABLE_SCHEMA, TG_ARGV[1], TG_ARGV[2])
            || CASE TG_OP
                WHEN 'INSERT' THEN format('SELECT %I FROM new_rows', TG_ARGV[11])
                WHEN 'DELETE' THEN format('SELECT %I FROM old_rows', TG_ARGV[11])
                WHEN 'UPDATE' THEN format('SELECT %1$I FROM new_rows UNION SELECT %1$I FROM old_rows', TG_ARGV[11])
                ELSE format('SELECT %I FROM %I.%I', TG_ARGV[2], TG_TABLE_SCHEMA, TG_ARGV[1])
            END || ')';
    ELSIF TG_OP = 'INSERT' THEN
        kind := quote_literal('+');
        action := quote_literal('create');
        source := 'FROM new_rows n';
    ELSIF TG_OP = 'UPDATE' THEN
        IF TG_ARGV[6] <> '' THEN
            kind := format('CASE WHEN n.%1$I IS NOT NULL THEN ''-'' WHEN o.%1$I IS NOT NULL THEN ''+'' '
                'ELSE ''~'' END', TG_ARGV[6]);
            action := format('CASE WHEN (o.%1$I IS NULL) = (n.%1$I IS NULL) THEN ''update'' '
                'WHEN n.%1$I IS NOT NULL THEN ''soft_delete'' ELSE ''restore'' END', TG_ARGV[6]);
        END IF;
        source := format('FROM new_rows n JOIN old_rows o ON o.%1$I = n.%1$I WHERE (%2$s) IS DISTINCT FROM (%3$s)',
            TG_ARGV[2], TG_ARGV[4], TG_ARGV[5]);
    ELSE
        kind := quote_literal('-');
        action := quote_literal('purge');
        source := CASE TG_OP WHEN 'DELETE' THEN 'FROM old_rows n'
            ELSE format('FROM %I.%I n', TG_TABLE_SCHEMA, TG_TABLE_NAME) END;
    END IF;

    links := $sql$, digests AS (SELECT 0 AS part, number, digest FROM written)$sql$;
    -- A row that was just made has no links yet.
    IF TG_ARGV[7] <> '' AND (TG_OP <> 'INSERT' OR TG_ARGV[11] <> '') THEN
        links := replace(TG_ARGV[7], '{schema}', quote_ident(TG_TABLE_SCHEMA));
    END IF;
    EXECUTE format($sql$
        WITH written AS (
            INSERT INTO %1$I.%2$I (%3$s, history_type, action, history_date, segment_id, operation_id,
                history_user_id, actor_kind, actor_label, history_change_reason, via_namespace, reverted_from)
            SELECT %4$s, %5$s, coalesce($1, %6$s), $2, $3, $4, $5, $6, $7, $8, $9, $10 %7$s
            RETURNING history_id AS number, %8$I AS row_key, sha256(convert_to(ROW(%9$s)::text, 'UTF8')) AS digest
        )%10$s, layout AS (
            INSERT INTO %1$I.ledger_layout (id, tables) VALUES (%11$L, %12$L) ON CONFLICT DO NOTHING
        )
        INSERT INTO %1$I.ledger_segment (id, kind, history_table, layout_id, rows, digest, written_at, operation_id)
        SELECT $3, 'write', %2$L, %11$L, count(*), sha256(string_agg(digest, '' ORDER BY part, number)), $2, $4
        FROM digests HAVING count(*) > 0
        $sql$,
        TG_TABLE_SCHEMA, TG_ARGV[0], TG_ARGV[3], TG_ARGV[4], kind, action, source, TG_ARGV[2], TG_ARGV[9], links,
        TG_ARGV[8], TG_ARGV[10])
        USING operation->>'action', clock_timestamp(), gen_random_uuid(), (operation->>'id')::uuid,
            (operation->>'user')::uuid, coalesce(operation->>'kind', 'database'),
            coalesce(operation->>'label', session_user), operation->>'reason', operation->>'via',
            (operation->>'reverted_from')::bigint;
    RETURN NULL;
END
$capture$;

-- smartmodels_append_only() stands on history tables. A version may be changed or removed only by a transaction
-- that says so (smartmodels.erasure), and then the ledger keeps the digests from before and after.
-- Argument: 0 key column of the table
CREATE OR REPLACE FUNCTION public.smartmodels_append_only() RETURNS trigger
LANGUAGE plpgsql
SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET bytea_output = 'hex'
SET extra_float_digits = 1
AS $append$
DECLARE
    purpose text := coalesce(current_setting('smartmodels.erasure', true), '');
    operation jsonb := coalesce(nullif(current_setting('smartmodels.operation', true), ''), '{}')::jsonb;
    segment uuid := gen_random_uuid();
    layout record;
    after text;
BEGIN
    IF purpose = '' OR TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'History is append-only: % of % is refused.', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'SM003', HINT = 'manage.py history prune removes old versions and keeps the evidence.';
    END IF;
    FOR layout IN EXECUTE format($sql$
        SELECT l.id, l.tables->>%1$L AS columns
        FROM (SELECT DISTINCT s.layout_id FROM old_rows o JOIN %2$I.ledger_segment s ON s.id = o.segment_id) used
        JOIN %2$I.ledger_layout l ON l.id = used.layout_id
        $sql$, TG_TABLE_NAME, TG_TABLE_SCHEMA)
    LOOP
        after := 'NULL::bytea';
        IF TG_OP = 'UPDATE' THEN
            after := format($sql$
                (SELECT sha256(convert_to(ROW(%s)::text, 'UTF8')) FROM new_rows WHERE %2$I = o.%2$I)
                $sql$, layout.columns, TG_ARGV[0]);
        END IF;
        EXECUTE format($sql$
            INSERT INTO %1$I.ledger_erasure (segment_id, history_table, number, digest_before, digest_after)
            SELECT $1, %2$L, o.%3$I, sha256(convert_to(ROW(%4$s)::text, 'UTF8')), %5$s FROM old_rows o
            WHERE o.segment_id IN (SELECT s.id FROM %1$I.ledger_segment s WHERE s.layout_id = $2)
            $sql$, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0], layout.columns, after)
            USING segment, layout.id;
    END LOOP;
    EXECUTE format($sql$
        INSERT INTO %1$I.ledger_segment (id, kind, history_table, rows, digest, written_at, operation_id)
        SELECT $1, $2, %2$L, count(*), sha256(string_agg(convert_to(number::text, 'UTF8') || digest_before
            || coalesce(digest_after, ''), '' ORDER BY number)), clock_timestamp(), $3
        FROM %1$I.ledger_erasure WHERE segment_id = $1 HAVING count(*) > 0
        $sql$, TG_TABLE_SCHEMA, TG_TABLE_NAME)
        USING segment, purpose, (operation->>'id')::uuid;
    RETURN NULL;
END
$append$;
