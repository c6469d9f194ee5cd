-- Who gets a number, and who decides about words that it wrote before, do so one after the other: a decision
-- bars who has the number by then, and somebody who gets it in the same instant must see the stop. Numbers
-- share 64 turns, so that a file with a hundred thousand of them holds no more locks than that. Both
-- spellings of a number of Mexico have the same one.
CREATE FUNCTION number_turn(tenant bigint, number text) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('number of ' || tenant || ' ' || (hashtextextended(
        regexp_replace(number, '^\+521([0-9]{10})$', '+52\1'), 0) & 63), 0)
$$;
REVOKE ALL ON FUNCTION number_turn FROM public;
GRANT EXECUTE ON FUNCTION number_turn TO cadence_app;
