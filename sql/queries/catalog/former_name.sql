-- A renamed table under its former name, for one version.
CREATE VIEW {{former}} AS FROM {{table}};
COMMENT ON VIEW {{former}} IS 'former name of {{table}}, kept for one version';
