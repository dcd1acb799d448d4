-- smartmodels_living_parents() refuses living rows that point at a deleted row (SQLSTATE SM005), and holds the
-- rows they point at until the transaction ends, so that nobody deletes them meanwhile. Argument of its triggers:
--   0 a query for a deleted row that a new row points at: its table and key; {schema} stands for the schema
--     (see smartmodels/softdelete/parents.py)
CREATE OR REPLACE FUNCTION public.smartmodels_living_parents() RETURNS trigger
LANGUAGE plpgsql
AS $parents$
DECLARE
    query text := replace(TG_ARGV[0], '{schema}', quote_ident(TG_TABLE_SCHEMA));
    parent text;
    key text;
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        EXECUTE query INTO parent, key USING NEW;
    ELSE
        EXECUTE query INTO parent, key;
    END IF;
    IF key IS NOT NULL THEN
        RAISE EXCEPTION 'A row of % cannot point at the row % of %, which is deleted.', TG_TABLE_NAME, key, parent
            USING ERRCODE = 'SM005', HINT = 'Restore that first, or choose another.';
    END IF;
    RETURN NULL;
END
$parents$;
