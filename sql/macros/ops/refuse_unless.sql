-- True if the condition holds; otherwise an error with the message.
CREATE MACRO ops.refuse_unless(is_so, message) AS CASE WHEN is_so THEN true ELSE error(message)::BOOLEAN END;
