FROM {{name}}({{arguments}});
