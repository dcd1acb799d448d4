-- Write one history row per changed row of a statement, in the schema of the table that changed.
--
-- Arguments of the triggers (see smartmodels/history/capture.py), lists ready to be used:
--   0 history table   1 key column   2 columns   3 the same of the new rows   4 the same of the old rows
--   5 soft-delete column, or ''
-- Who, why and in which operation come from the transaction's setting smartmodels.operation.
CREATE OR REPLACE FUNCTION public.smartmodels_capture() RETURNS trigger
LANGUAGE plpgsql AS $capture$
DECLARE
    operation jsonb := coalesce(nullif(current_setting('smartmodels.operation', true), ''), '{}')::jsonb;
    target text := format('%I.%I', TG_TABLE_SCHEMA, TG_ARGV[0]);
    extra_columns constant text := 'history_date, history_type, history_change_reason, history_user_id, '
        'operation_id, action, actor_kind, actor_label, via_namespace, reverted_from';
    extra_values constant text := 'clock_timestamp(), %s, $1->>''reason'', ($1->>''user'')::uuid, '
        '($1->>''id'')::uuid, coalesce($1->>''action'', %s), $1->>''kind'', $1->>''label'', '
        '$1->>''via'', ($1->>''reverted_from'')::bigint';
    kind text := quote_literal('~');
    action text := quote_literal('update');
BEGIN
    IF TG_OP = 'INSERT' THEN
        EXECUTE format('INSERT INTO %s (%s, %s) SELECT %s, %s FROM new_rows n',
            target, TG_ARGV[2], extra_columns, TG_ARGV[3], format(extra_values, '''+''', '''create'''))
            USING operation;
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE format('INSERT INTO %s (%s, %s) SELECT %s, %s FROM old_rows o',
            target, TG_ARGV[2], extra_columns, TG_ARGV[4], format(extra_values, '''-''', '''purge'''))
            USING operation;
    ELSE
        IF TG_ARGV[5] <> '' THEN
            kind := format('CASE WHEN o.%1$I IS NULL AND n.%1$I IS NOT NULL THEN ''-'' '
                'WHEN o.%1$I IS NOT NULL AND n.%1$I IS NULL THEN ''+'' '
                'WHEN n.%1$I IS NOT NULL THEN ''-'' ELSE ''~'' END', TG_ARGV[5]);
            action := format('CASE WHEN o.%1$I IS NULL AND n.%1$I IS NOT NULL THEN ''soft_delete'' '
                'WHEN o.%1$I IS NOT NULL AND n.%1$I IS NULL THEN ''restore'' ELSE ''update'' END', TG_ARGV[5]);
        END IF;
        EXECUTE format('INSERT INTO %1$s (%2$s, %3$s) SELECT %4$s, %5$s FROM new_rows n '
            'JOIN old_rows o ON o.%6$I = n.%6$I WHERE (%4$s) IS DISTINCT FROM (%7$s)',
            target, TG_ARGV[2], extra_columns, TG_ARGV[3], format(extra_values, kind, action),
            TG_ARGV[1], TG_ARGV[4])
            USING operation;
    END IF;
    RETURN NULL;
END
$capture$;
