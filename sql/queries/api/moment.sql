-- A moment as every macro reads it.
SELECT ops.moment($as_of) AS moment;
