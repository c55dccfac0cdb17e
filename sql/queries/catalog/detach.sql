-- The file is whole once nothing has it open.
USE memory;
DETACH catalog;
