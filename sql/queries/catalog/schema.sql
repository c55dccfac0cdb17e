CREATE SCHEMA {{layer}};
