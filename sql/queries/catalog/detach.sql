-- The file is complete once no connection has it open.
USE memory;
DETACH catalog;
