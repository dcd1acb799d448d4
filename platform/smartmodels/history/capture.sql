-- What the database does for history: write it, chain it, and let nobody rewrite it.
--
-- All functions are SECURITY INVOKER, so they can do nothing that who writes could not do himself. Their settings
-- fix how values look as text, so that a digest can be computed again, and most say where names are looked up.

-- smartmodels_capture() writes one version per changed row of a statement, in the schema of the table that
-- changed, and one segment of the ledger that vouches for them. Arguments of its triggers, lists ready to use
-- (see smartmodels/history/capture.py):
--   0 history table   1 live table   2 key column   3 columns   4 the same of new rows   5 how a changed row is told
--   6 soft-delete column, or ''      7 statement parts that copy tracked links, or ''
--   8 layout id   9 hashed columns of a version of its own   10 the layout, as JSON
--   11 column that points at the live table, where the trigger stands on a table of links; else ''
--   12 on INSERT, a query that new rows have to pass first   13 the same for one row; '', or {schema} is the schema
-- Who, why and in which operation come from the transaction's setting smartmodels.operation.
--
-- PostgreSQL keeps a compiled copy of a trigger's function for every trigger that fired in a session, which is one
-- for each table of each namespace. So this one does next to nothing: smartmodels_capture_sql(), of which there is
-- one copy, makes the statements. They are executed here, since only here the changed rows can be seen. Nor is there
-- any more to it than has to be because PostgreSQL prepares every expression anew in every transaction, and no path of
-- its own, which costs a twentieth of a version: tables are named with their schema, and pg_catalog comes first anyway.
CREATE OR REPLACE FUNCTION public.smartmodels_capture() RETURNS trigger
LANGUAGE plpgsql
AS $capture$
DECLARE
    strange text[];
BEGIN
    -- As digests need values to look, and as they do in nearly all sessions: see smartmodels_settle().
    IF NOT (current_setting('TimeZone') = 'UTC' AND starts_with(current_setting('DateStyle'), 'ISO')
        AND current_setting('IntervalStyle') = 'postgres' AND current_setting('bytea_output') = 'hex'
        AND current_setting('extra_float_digits') >= '1') THEN
        strange := public.smartmodels_settle(NULL);
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') AND TG_LEVEL = 'STATEMENT' THEN
        EXECUTE public.smartmodels_capture_sql(TG_OP, TG_LEVEL, TG_TABLE_SCHEMA::text, TG_TABLE_NAME::text, TG_ARGV,
            NOT EXISTS (SELECT FROM new_rows OFFSET 1));
    ELSE
        EXECUTE public.smartmodels_capture_sql(TG_OP, TG_LEVEL, TG_TABLE_SCHEMA::text, TG_TABLE_NAME::text, TG_ARGV,
            false);
    END IF;
    IF strange IS NOT NULL THEN PERFORM public.smartmodels_settle(strange); END IF;
    RETURN NULL;
END
$capture$;

-- smartmodels_settle(NULL) makes values look as digests need them and returns the settings that it changed: five
-- settings on the trigger's function itself cost a tenth of a version. Given these again, it puts them back. A
-- statement that fails needs no such thing: what it set goes with it.
CREATE OR REPLACE FUNCTION public.smartmodels_settle(before text[]) RETURNS text[]
LANGUAGE plpgsql
AS $settle$
DECLARE
    found text[] := ARRAY[current_setting('TimeZone'), current_setting('DateStyle'), current_setting('IntervalStyle'),
        current_setting('bytea_output'), current_setting('extra_float_digits')];
BEGIN
    before := coalesce(before, ARRAY['UTC', 'ISO, YMD', 'postgres', 'hex', '1']);
    PERFORM set_config('TimeZone', before[1], true), set_config('DateStyle', before[2], true),
        set_config('IntervalStyle', before[3], true), set_config('bytea_output', before[4], true),
        set_config('extra_float_digits', before[5], true);
    RETURN found;
END
$settle$;

-- smartmodels_capture_sql() makes the statements that write the versions of what a statement changed: ``one`` says
-- that this is one row for sure.
CREATE OR REPLACE FUNCTION public.smartmodels_capture_sql(
    event text, level text, schema_name text, table_name text, args text[], one boolean
) RETURNS text
LANGUAGE plpgsql
AS $make$
DECLARE
    operation jsonb := coalesce(nullif(current_setting('smartmodels.operation', true), ''), '{}')::jsonb;
    source text;
BEGIN
    -- First what is most frequent: each condition costs a two-hundredth of a version.
    IF event = 'INSERT' AND args[11] = '' AND NOT operation ? 'refused' THEN
        -- A row that was just made has no links yet.
        RETURN replace(args[CASE WHEN one THEN 13 ELSE 12 END], '{schema}', quote_ident(schema_name))
            || public.smartmodels_versions_sql(schema_name, args, operation,
            CASE args[6] WHEN '' THEN '''+''' ELSE format('CASE WHEN n.%I IS NULL THEN ''+'' ELSE ''-'' END', args[6]) END,
            '''create''', 'FROM new_rows n', '', one);
    ELSIF operation ? 'refused' OR level = 'ROW' THEN
        PERFORM public.smartmodels_refuse(table_name, operation ? 'refused');
    ELSIF args[11] = '' AND event = 'UPDATE' THEN
        RETURN public.smartmodels_versions_sql(schema_name, args, operation,
            CASE args[6] WHEN '' THEN '''~''' ELSE format('CASE WHEN n.%1$I IS NOT NULL THEN ''-'' '
                'WHEN o.%1$I IS NOT NULL THEN ''+'' ELSE ''~'' END', args[6]) END,
            CASE args[6] WHEN '' THEN '''update''' ELSE format('CASE WHEN (o.%1$I IS NULL) = (n.%1$I IS NULL) '
                'THEN ''update'' WHEN n.%1$I IS NOT NULL THEN ''soft_delete'' ELSE ''restore'' END', args[6]) END,
            format('FROM new_rows n JOIN old_rows o ON o.%1$I = n.%1$I WHERE %2$s', args[2], args[5]),
            args[7], one);
    ELSIF args[11] = '' THEN
        -- Whatever removes it for good: by this the row is known to be gone rather than marked as deleted.
        RETURN public.smartmodels_versions_sql(schema_name, args, operation - 'action', '''-''', '''purge''',
            CASE event WHEN 'DELETE' THEN 'FROM old_rows n' ELSE format('FROM %I.%I n', schema_name, table_name) END,
            args[7], false);
    END IF;

    source := format('FROM %I.%I n WHERE n.%I IN (', schema_name, args[1], args[2])
        || CASE event
            WHEN 'INSERT' THEN format('SELECT %I FROM new_rows', args[11])
            WHEN 'DELETE' THEN format('SELECT %I FROM old_rows', args[11])
            WHEN 'UPDATE' THEN format('SELECT %1$I FROM new_rows UNION SELECT %1$I FROM old_rows', args[11])
            ELSE format('SELECT %I FROM %I.%I', args[2], schema_name, args[1])
        END || ')';
    -- Whoever changes the row, or other links of it, commits first; the next statement sees what they wrote.
    RETURN format('SELECT %s ORDER BY n.%I FOR NO KEY UPDATE OF n; ', source, args[2])
        || public.smartmodels_versions_sql(schema_name, args, operation,
            CASE args[6] WHEN '' THEN '''~''' ELSE format('CASE WHEN n.%I IS NOT NULL THEN ''-'' ELSE ''~'' END', args[6]) END,
            '''update''', source, args[7], false);
END
$make$;

-- smartmodels_refuse() says why a statement on a tracked table cannot be.
CREATE OR REPLACE FUNCTION public.smartmodels_refuse(table_name text, nobody boolean) RETURNS void
LANGUAGE plpgsql
AS $refuse$
BEGIN
    IF nobody THEN
        RAISE EXCEPTION 'Nobody is said to act on %.', table_name USING ERRCODE = 'SM001',
            HINT = 'Open an operation first: with operation(actor=...).';
    END IF;
    RAISE EXCEPTION 'The key of a row of % cannot change: its history goes by it.', table_name
        USING ERRCODE = 'SM002', HINT = 'Make a new row and delete this one.';
END
$refuse$;

-- smartmodels_versions_sql() is the statement that writes versions and their segment, whoever has it executed.
-- ``args`` are those of the triggers, counted from 0; ``kind`` and ``action`` are expressions on a row n of ``source``,
-- of which there is at most ``one``, or any number. What does not differ from row to row stands in it as
-- literals: a plan that is used once gains nothing from parameters.
CREATE OR REPLACE FUNCTION public.smartmodels_versions_sql(
    schema_name text, args text[], operation jsonb, kind text, action text, source text, links text, one boolean
) RETURNS text
LANGUAGE plpgsql
AS $shape$
DECLARE
    written timestamptz := clock_timestamp();
    -- gen_random_uuid() asks the kernel where PostgreSQL is built without OpenSSL: a twentieth of a version. Who cannot
    -- be told apart by this writes a second segment of one key, which is refused.
    segment uuid := md5(concat(written, pg_backend_pid(), random(), random()))::uuid;
    -- Hashed once, and with each version. As text these are what the columns will say.
    said bytea := sha256(convert_to(ROW(written, segment, (operation->>'id')::uuid, (operation->>'user')::uuid,
        coalesce(operation->>'kind', 'database'), coalesce(operation->>'label', session_user),
        operation->>'reason', operation->>'via', (operation->>'via_grant')::uuid,
        (operation->>'reverted_from')::bigint)::text, 'UTF8'));
    rare text;
    rare_values text;
BEGIN
    -- Whoever changes links at the same moment is waited for, but only READ COMMITTED then sees what they wrote.
    IF links <> '' AND current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'Rows of %, whose links are tracked, cannot be written under %.', args[1],
            current_setting('transaction_isolation') USING ERRCODE = '0A000', HINT = 'Use READ COMMITTED.';
    END IF;
    -- Most operations say none of these, and each column that is named costs.
    IF operation ?| ARRAY['reason', 'via', 'via_grant', 'reverted_from'] THEN
        rare := ', history_change_reason, via_namespace, via_grant, reverted_from';
        rare_values := format(', %L, %L, %L, %L', operation->>'reason', operation->>'via', operation->>'via_grant',
            operation->>'reverted_from');
    END IF;
    RETURN format($sql$
        WITH written AS (
            INSERT INTO %1$I.%2$I (%3$s, history_type, action, history_date, segment_id, operation_id,
                history_user_id, actor_kind, actor_label%12$s)
            SELECT %4$s, %5$s, %6$s, %7$L, %20$L, %8$L, %9$L, %10$L, %11$L%13$s %14$s
            RETURNING history_id AS number, %15$I AS row_key, sha256(convert_to(ROW(%16$s)::text, 'UTF8') || %21$L) AS digest
        )%17$s
        INSERT INTO %1$I.ledger_segment (id, kind, history_table, layout_id, written_at, operation_id, rows, digest,
            leaves)
        SELECT %20$L, 'write', %2$L, %18$L, %7$L, %8$L, %19$s
        $sql$,
        schema_name, args[0], args[3], args[4], kind, coalesce(quote_literal(operation->>'action'), action),
        written, operation->>'id', operation->>'user', coalesce(operation->>'kind', 'database'),
        coalesce(operation->>'label', session_user), rare, rare_values, source, args[2], args[9],
        CASE WHEN links <> '' THEN replace(replace(links, '{schema}', quote_ident(schema_name)),
            '{segment}', quote_literal(segment) || '::uuid') END, args[8],
        -- Aggregates take a third of the time that such a statement is planned in.
        CASE WHEN one AND links = '' THEN '1, sha256(digest), NULL FROM written' ELSE $sql$
            count(*), sha256(string_agg(digest, '' ORDER BY part, number)),
            CASE WHEN count(*) > 1 THEN string_agg(substr(digest, 1, 8), '' ORDER BY part, number) END
            FROM $sql$ || CASE links WHEN '' THEN '(SELECT 0 AS part, * FROM written) digests' ELSE 'digests' END
            || ' HAVING count(*) > 0'
        END, segment, said);
END
$shape$;

-- smartmodels_write_versions() does by hand what smartmodels_capture() does by trigger: it compares the rows of
-- these keys with their newest versions, and writes what is new. ``touched`` writes a version in any case, since
-- the links of the rows changed. Where a row is gone its last version says what was removed.
CREATE OR REPLACE FUNCTION public.smartmodels_write_versions(
    schema_name text, given text[], keys text[], touched boolean
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET bytea_output = 'hex'
SET extra_float_digits = 1
AS $write$
DECLARE
    operation jsonb := coalesce(nullif(current_setting('smartmodels.operation', true), ''), '{}')::jsonb;
    args text[] := ('[0:' || cardinality(given) - 1 || ']=' || given::text)::text[];
    key_type text;
    newest text;
    source text;
    kind text := quote_literal('~');
    action text := 'CASE WHEN o.history_id IS NULL THEN ''create'' ELSE ''update'' END';
BEGIN
    IF operation ? 'refused' THEN
        PERFORM public.smartmodels_refuse(args[1], true);
    END IF;
    SELECT format_type(atttypid, NULL) INTO key_type FROM pg_attribute
    WHERE attrelid = format('%I.%I', schema_name, args[1])::regclass AND attname = args[2];
    -- Who writes the same rows, or links of them, at the same moment waits here.
    EXECUTE format('SELECT FROM %I.%I WHERE %3$I = ANY ($1::%4$s[]) ORDER BY %3$I FOR NO KEY UPDATE',
        schema_name, args[1], args[2], key_type) USING keys;
    newest := format($sql$
        (SELECT DISTINCT ON (%3$I) * FROM %1$I.%2$I WHERE %3$I = ANY ($1::%4$s[]) ORDER BY %3$I, history_id DESC)
        $sql$, schema_name, args[0], args[2], key_type);
    IF args[6] <> '' THEN
        kind := format('CASE WHEN n.%1$I IS NOT NULL THEN ''-'' WHEN o.history_id IS NULL OR o.%1$I IS NOT NULL '
            'THEN ''+'' ELSE ''~'' END', args[6]);
        action := format('CASE WHEN o.history_id IS NULL THEN ''create'' WHEN (o.%1$I IS NULL) = (n.%1$I IS NULL) '
            'THEN ''update'' WHEN n.%1$I IS NOT NULL THEN ''soft_delete'' ELSE ''restore'' END', args[6]);
    ELSE
        kind := 'CASE WHEN o.history_id IS NULL THEN ''+'' ELSE ''~'' END';
    END IF;
    IF touched THEN
        kind := replace(kind, quote_literal('+'), quote_literal('~'));
    END IF;
    source := format($sql$
        FROM %1$I.%2$I n LEFT JOIN %3$s o ON o.%4$I = n.%4$I AND o.action <> 'purge'
        WHERE n.%4$I = ANY ($1::%5$s[])
            AND (%6$L OR o.history_id IS NULL OR ROW(%7$s)::text <> ROW(%8$s)::text)
        $sql$, schema_name, args[1], newest, args[2], key_type, touched, args[4], args[12]);
    PERFORM public.smartmodels_record_layout(schema_name, args[8], args[10]);
    EXECUTE public.smartmodels_versions_sql(schema_name, args, operation, kind, action, source, args[7], false)
        USING keys;
    IF touched THEN RETURN; END IF;
    source := format($sql$
        FROM %1$s n WHERE n.action <> 'purge'
            AND NOT EXISTS (SELECT FROM %2$I.%3$I l WHERE l.%4$I = n.%4$I)
        $sql$, newest, schema_name, args[1], args[2]);
    EXECUTE public.smartmodels_versions_sql(schema_name, args, operation - 'action', quote_literal('-'),
        quote_literal('purge'), source, args[7], false)
        USING keys;
END
$write$;

-- smartmodels_record_layout() keeps what the digests of a layout cover. Whatever installs triggers calls it.
CREATE OR REPLACE FUNCTION public.smartmodels_record_layout(schema_name text, layout text, tables text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $record$
BEGIN
    EXECUTE format('INSERT INTO %I.ledger_layout (id, tables, types) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        schema_name) USING layout::uuid, tables::jsonb, public.smartmodels_types(schema_name, tables::jsonb);
END
$record$;

-- smartmodels_record_layouts() does so for the triggers that a schema has already.
CREATE OR REPLACE FUNCTION public.smartmodels_record_layouts(schema_name text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $records$
    -- The arguments are separated by zero bytes, which text cannot hold.
    SELECT public.smartmodels_record_layout(schema_name, args[9], args[11])
    FROM (
        SELECT DISTINCT (
            SELECT array_agg(convert_from(decode(hex, 'hex'), 'UTF8') ORDER BY n)
            FROM regexp_split_to_table(regexp_replace(encode(t.tgargs, 'hex'), '(..)', '\1 ', 'g'), '00 ')
                WITH ORDINALITY AS part (text, n), replace(text, ' ', '') AS hex
        ) AS args
        FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_namespace s ON s.oid = c.relnamespace AND s.nspname = schema_name
        JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = 'smartmodels_capture'
    ) triggers
$records$;

-- smartmodels_types() says which types the columns of a layout have in a schema: {table: {column: type}}.
CREATE OR REPLACE FUNCTION public.smartmodels_types(schema_name text, tables jsonb) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $types$
    SELECT coalesce(jsonb_object_agg(t.name, (
        SELECT coalesce(jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)), '{}')
        FROM pg_attribute a
        WHERE a.attrelid = to_regclass(format('%I.%I', schema_name, t.name)) AND NOT a.attisdropped
            AND t.columns @> jsonb_build_array(jsonb_build_array(a.attname))
    )), '{}')
    FROM jsonb_each(tables) AS t (name, columns)
$types$;

-- smartmodels_digest_sql() is the digest of a version as SQL, of those of its columns that are there: the last group
-- is hashed by itself, and that digest with the group before (see digest_of() in smartmodels/history/capture.py).
CREATE OR REPLACE FUNCTION public.smartmodels_digest_sql(groups jsonb, history oid, row_name text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $digest$
DECLARE
    columns jsonb;
    made text := '';
BEGIN
    FOR columns IN SELECT g.columns FROM jsonb_array_elements(groups) WITH ORDINALITY AS g (columns, n) ORDER BY n DESC
    LOOP
        made := format('sha256(convert_to(ROW(%s)::text, ''UTF8'')%s)', (
            SELECT string_agg(format('%I.%I', row_name, c.name), ', ' ORDER BY c.n)
            FROM jsonb_array_elements_text(columns) WITH ORDINALITY AS c (name, n)
            JOIN pg_attribute a ON a.attrelid = history AND a.attname = c.name AND NOT a.attisdropped
        ), CASE made WHEN '' THEN '' ELSE ' || ' || made END);
    END LOOP;
    RETURN coalesce(nullif(made, ''), 'sha256('''')');
END
$digest$;

-- smartmodels_append_only() stands on history tables. A version may be changed or removed only by a transaction
-- that says so (smartmodels.erasure: erase or prune), and then the ledger keeps the digests from before and after.
-- Argument: 0 key column of the table
CREATE OR REPLACE FUNCTION public.smartmodels_append_only() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET bytea_output = 'hex'
SET extra_float_digits = 1
AS $append$
DECLARE
    purpose text := coalesce(current_setting('smartmodels.erasure', true), '');
    operation jsonb := coalesce(nullif(current_setting('smartmodels.operation', true), ''), '{}')::jsonb;
    segment uuid := gen_random_uuid();
    fixed boolean := true;
    layout record;
BEGIN
    IF purpose NOT IN ('erase', 'prune') OR TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'History is append-only: % of % is refused.', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'SM003', HINT = 'manage.py history prune removes old versions and keeps the evidence.';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        EXECUTE format($sql$
            SELECT NOT EXISTS (SELECT FROM old_rows o LEFT JOIN new_rows n ON n.%1$I = o.%1$I
                WHERE n.segment_id IS DISTINCT FROM o.segment_id OR n.%1$I IS NULL)
            $sql$, TG_ARGV[0]) INTO fixed;
    END IF;
    IF NOT fixed THEN
        RAISE EXCEPTION 'The number and the segment of a version of % are fixed.', TG_TABLE_NAME
            USING ERRCODE = 'SM003', HINT = 'Erase values of the row itself.';
    END IF;
    -- A column that is gone cannot be hashed any more; its versions can no longer be verified either.
    FOR layout IN EXECUTE format($sql$
        SELECT l.id, columns.*
        FROM (SELECT DISTINCT s.layout_id FROM old_rows o JOIN %2$I.ledger_segment s ON s.id = o.segment_id) used
        JOIN %2$I.ledger_layout l ON l.id = used.layout_id
        CROSS JOIN LATERAL (
            SELECT public.smartmodels_digest_sql(l.tables->%1$L, %3$s, 'o') AS before,
                public.smartmodels_digest_sql(l.tables->%1$L, %3$s, 'n') AS after
        ) columns
        $sql$, TG_TABLE_NAME, TG_TABLE_SCHEMA, TG_RELID::oid)
    LOOP
        EXECUTE format($sql$
            INSERT INTO %1$I.ledger_erasure
                (segment_id, history_table, number, written_in, digest_before, digest_after)
            SELECT $1, %2$L, o.%3$I, o.segment_id, %4$s, %5$s
            FROM old_rows o JOIN %1$I.ledger_segment s ON s.id = o.segment_id AND s.layout_id = $2 %6$s
            $sql$, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0], layout.before,
            CASE TG_OP WHEN 'UPDATE' THEN layout.after ELSE 'NULL' END,
            CASE TG_OP WHEN 'UPDATE' THEN format('JOIN new_rows n ON n.%1$I = o.%1$I', TG_ARGV[0]) ELSE '' END)
            USING segment, layout.id;
    END LOOP;
    EXECUTE format($sql$
        INSERT INTO %1$I.ledger_segment (id, kind, history_table, rows, digest, written_at, operation_id)
        SELECT $1, $2, %2$L, count(*),
            sha256(string_agg(convert_to(ROW(number, written_in, digest_before, digest_after)::text, 'UTF8'), ''
                ORDER BY number)), clock_timestamp(), $3
        FROM %1$I.ledger_erasure WHERE segment_id = $1 HAVING count(*) > 0
        $sql$, TG_TABLE_SCHEMA, TG_TABLE_NAME)
        USING segment, purpose, (operation->>'id')::uuid;
    RETURN NULL;
END
$append$;

-- smartmodels_ledger() stands on what vouches for history: it refuses whatever its triggers are fired for.
CREATE OR REPLACE FUNCTION public.smartmodels_ledger() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $ledger$
BEGIN
    RAISE EXCEPTION 'The ledger is append-only: % of % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'SM003', HINT = 'Nothing is removed from it; a namespace goes as a whole.';
END
$ledger$;

-- smartmodels_link() gives the next segments of a schema, at most so many, their position in the chain. What a
-- link vouches for is the link before it and all that its segment says. Returns how many were linked, and the end.
CREATE OR REPLACE FUNCTION public.smartmodels_link(schema_name text, most integer)
RETURNS TABLE (linked integer, last_position bigint, last_chain bytea)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET bytea_output = 'hex'
SET extra_float_digits = 1
AS $link$
DECLARE
    segment record;
    ids uuid[] := '{}';
    chains bytea[] := '{}';
    first bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(29548, hashtext(schema_name));
    EXECUTE format('SELECT position, chain FROM %I.ledger_segment WHERE position IS NOT NULL '
        'ORDER BY position DESC LIMIT 1', schema_name) INTO last_position, last_chain;
    first := coalesce(last_position, 0);
    FOR segment IN EXECUTE format($sql$
        SELECT id, convert_to(
            ROW(id, kind, history_table, layout_id, rows, digest, written_at, operation_id)::text, 'UTF8') AS said
        FROM %I.ledger_segment WHERE position IS NULL ORDER BY written_at, id LIMIT $1
        $sql$, schema_name) USING most
    LOOP
        last_chain := sha256(coalesce(last_chain, '') || segment.said);
        ids := ids || segment.id;
        chains := chains || last_chain;
    END LOOP;
    linked := cardinality(ids);
    last_position := nullif(first + linked, 0);
    EXECUTE format('UPDATE %I.ledger_segment s SET position = $3 + made.n, chain = made.chain '
        'FROM unnest($1, $2) WITH ORDINALITY AS made (id, chain, n) WHERE s.id = made.id', schema_name)
        USING ids, chains, first;
    RETURN NEXT;
END
$link$;
