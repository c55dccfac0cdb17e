SELECT * FROM model.model_parameters;
