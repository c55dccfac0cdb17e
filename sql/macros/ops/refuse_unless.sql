-- True, or an error with these words.
CREATE MACRO ops.refuse_unless(is_so, words) AS CASE WHEN is_so THEN true ELSE error(words)::BOOLEAN END;
