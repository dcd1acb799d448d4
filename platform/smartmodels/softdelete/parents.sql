-- smartmodels_living_parents() refuses living rows that point at a deleted row (SQLSTATE SM005), and holds the
-- rows they point at until the transaction ends, so that nobody deletes them meanwhile. smartmodels_living_parent()
-- does so for one changed or revived row. Argument of their triggers:
--   0 a query that hands deleted rows which new rows point at to smartmodels_refuse_parent(), and forgets what a
--     changed key has made out of date; {schema} stands for the schema (see smartmodels/softdelete/parents.py)
-- A session keeps a compiled copy of each for every table of every namespace, so they are as short as can be.
CREATE OR REPLACE FUNCTION public.smartmodels_living_parents() RETURNS trigger
LANGUAGE plpgsql
AS $parents$
BEGIN
    EXECUTE replace(TG_ARGV[0], '{schema}', quote_ident(TG_TABLE_SCHEMA));
    RETURN NULL;
END
$parents$;

CREATE OR REPLACE FUNCTION public.smartmodels_living_parent() RETURNS trigger
LANGUAGE plpgsql
AS $parent$
BEGIN
    EXECUTE replace(TG_ARGV[0], '{schema}', quote_ident(TG_TABLE_SCHEMA)) USING NEW, OLD;
    RETURN NULL;
END
$parent$;

-- smartmodels_refuse_parent() says which row is deleted.
CREATE OR REPLACE FUNCTION public.smartmodels_refuse_parent(child text, parent text, key text) RETURNS void
LANGUAGE plpgsql
AS $refuse$
BEGIN
    RAISE EXCEPTION 'A row of % cannot point at the row % of %, which is deleted.', child, key, parent
        USING ERRCODE = 'SM005', HINT = 'Restore that first, or choose another.';
END
$refuse$;
