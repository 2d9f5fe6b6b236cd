terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "rate" { default = 50 }
variable "description" { default = "first" }

resource "aws_iam_role" "function" {
  name = "http"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_lambda_function" "web" {
  function_name    = "web"
  role             = aws_iam_role.function.arn
  runtime          = "nodejs20.x"
  handler          = "index.handler"
  filename         = "function.zip"
  source_code_hash = filebase64sha256("function.zip")
}

# A function URL. The provider adds the first statement itself.
resource "aws_lambda_function_url" "web" {
  function_name      = aws_lambda_function.web.function_name
  authorization_type = "NONE"
  cors {
    allow_origins = ["https://page"]
    allow_methods = ["GET"]
    max_age       = 60
  }
}

resource "aws_lambda_permission" "url" {
  statement_id  = "invoke"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.web.function_name
  principal     = "*"
}

# An HTTP API.
resource "aws_apigatewayv2_api" "http" {
  name          = "http"
  protocol_type = "HTTP"
  description   = var.description
  cors_configuration {
    allow_origins = ["https://page"]
    allow_methods = ["GET", "POST"]
    allow_headers = ["x-mine"]
    max_age       = 60
  }
  tags = { team = "a" }
}

resource "aws_apigatewayv2_integration" "web" {
  api_id                 = aws_apigatewayv2_api.http.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.web.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_authorizer" "jwt" {
  api_id           = aws_apigatewayv2_api.http.id
  name             = "jwt"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  jwt_configuration {
    audience = ["me"]
    issuer   = "https://issuer.invalid"
  }
}

resource "aws_apigatewayv2_authorizer" "function" {
  api_id                            = aws_apigatewayv2_api.http.id
  name                              = "function"
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = aws_lambda_function.web.invoke_arn
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  identity_sources                  = ["$request.header.Key"]
}

resource "aws_apigatewayv2_route" "open" {
  api_id    = aws_apigatewayv2_api.http.id
  route_key = "GET /open/{id}"
  target    = "integrations/${aws_apigatewayv2_integration.web.id}"
}

resource "aws_apigatewayv2_route" "closed" {
  api_id               = aws_apigatewayv2_api.http.id
  route_key            = "ANY /closed/{proxy+}"
  target               = "integrations/${aws_apigatewayv2_integration.web.id}"
  authorization_type   = "JWT"
  authorizer_id        = aws_apigatewayv2_authorizer.jwt.id
  authorization_scopes = ["read"]
}

resource "aws_apigatewayv2_route" "asked" {
  api_id             = aws_apigatewayv2_api.http.id
  route_key          = "GET /asked"
  target             = "integrations/${aws_apigatewayv2_integration.web.id}"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.function.id
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.http.id
  name        = "$default"
  auto_deploy = true
  default_route_settings {
    throttling_burst_limit = 100
    throttling_rate_limit  = var.rate
  }
  stage_variables = { a = "b" }
}

resource "aws_apigatewayv2_deployment" "held" {
  api_id      = aws_apigatewayv2_api.http.id
  description = "held"
  depends_on  = [aws_apigatewayv2_route.open]
}

resource "aws_apigatewayv2_stage" "held" {
  api_id        = aws_apigatewayv2_api.http.id
  name          = "held"
  deployment_id = aws_apigatewayv2_deployment.held.id
}

resource "aws_lambda_permission" "http" {
  statement_id  = "http"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.web.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/*"
}

# A REST API.
resource "aws_api_gateway_rest_api" "rest" {
  name               = "rest"
  description        = var.description
  binary_media_types = ["image/png"]
  endpoint_configuration {
    types = ["REGIONAL"]
  }
  tags = { team = "a" }
}

resource "aws_api_gateway_resource" "things" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_rest_api.rest.root_resource_id
  path_part   = "things"
}

resource "aws_api_gateway_resource" "thing" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_resource.things.id
  path_part   = "{id}"
}

resource "aws_api_gateway_authorizer" "token" {
  rest_api_id                      = aws_api_gateway_rest_api.rest.id
  name                             = "token"
  authorizer_uri                   = aws_lambda_function.web.invoke_arn
  authorizer_result_ttl_in_seconds = 60
}

resource "aws_api_gateway_request_validator" "parameters" {
  rest_api_id                 = aws_api_gateway_rest_api.rest.id
  name                        = "parameters"
  validate_request_parameters = true
}

resource "aws_api_gateway_model" "thing" {
  rest_api_id  = aws_api_gateway_rest_api.rest.id
  name         = "Thing"
  content_type = "application/json"
  schema       = jsonencode({ type = "object" })
}

resource "aws_api_gateway_method" "get" {
  rest_api_id          = aws_api_gateway_rest_api.rest.id
  resource_id          = aws_api_gateway_resource.thing.id
  http_method          = "GET"
  authorization        = "NONE"
  request_validator_id = aws_api_gateway_request_validator.parameters.id
  request_parameters   = { "method.request.path.id" = true, "method.request.querystring.q" = false }
}

resource "aws_api_gateway_integration" "get" {
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = aws_api_gateway_resource.thing.id
  http_method             = aws_api_gateway_method.get.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.web.invoke_arn
}

resource "aws_api_gateway_method" "keyed" {
  rest_api_id      = aws_api_gateway_rest_api.rest.id
  resource_id      = aws_api_gateway_resource.things.id
  http_method      = "GET"
  authorization    = "NONE"
  api_key_required = true
}

resource "aws_api_gateway_integration" "keyed" {
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = aws_api_gateway_resource.things.id
  http_method             = aws_api_gateway_method.keyed.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.web.invoke_arn
}

resource "aws_api_gateway_method" "closed" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = aws_api_gateway_resource.things.id
  http_method   = "POST"
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.token.id
}

resource "aws_api_gateway_integration" "closed" {
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = aws_api_gateway_resource.things.id
  http_method             = aws_api_gateway_method.closed.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.web.invoke_arn
}

resource "aws_api_gateway_method" "options" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = aws_api_gateway_resource.things.id
  http_method   = "OPTIONS"
  authorization = "NONE"
}

resource "aws_api_gateway_method_response" "options" {
  rest_api_id         = aws_api_gateway_rest_api.rest.id
  resource_id         = aws_api_gateway_resource.things.id
  http_method         = aws_api_gateway_method.options.http_method
  status_code         = "200"
  response_models     = { "application/json" = "Empty" }
  response_parameters = { "method.response.header.Access-Control-Allow-Origin" = true }
}

resource "aws_api_gateway_integration" "options" {
  rest_api_id       = aws_api_gateway_rest_api.rest.id
  resource_id       = aws_api_gateway_resource.things.id
  http_method       = aws_api_gateway_method.options.http_method
  type              = "MOCK"
  request_templates = { "application/json" = jsonencode({ statusCode = 200 }) }
}

resource "aws_api_gateway_integration_response" "options" {
  rest_api_id         = aws_api_gateway_rest_api.rest.id
  resource_id         = aws_api_gateway_resource.things.id
  http_method         = aws_api_gateway_method.options.http_method
  status_code         = aws_api_gateway_method_response.options.status_code
  response_parameters = { "method.response.header.Access-Control-Allow-Origin" = "'*'" }
  depends_on          = [aws_api_gateway_integration.options]
}

resource "aws_api_gateway_gateway_response" "missing" {
  rest_api_id         = aws_api_gateway_rest_api.rest.id
  response_type       = "MISSING_AUTHENTICATION_TOKEN"
  status_code         = "404"
  response_templates  = { "application/json" = "{\"nothing\":true}" }
  response_parameters = { "gatewayresponse.header.X-Why" = "'gone'" }
}

resource "aws_api_gateway_deployment" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  depends_on = [
    aws_api_gateway_integration.get, aws_api_gateway_integration.keyed, aws_api_gateway_integration.closed,
    aws_api_gateway_integration_response.options, aws_api_gateway_gateway_response.missing,
  ]
  lifecycle { create_before_destroy = true }
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  deployment_id = aws_api_gateway_deployment.rest.id
  stage_name    = "prod"
  description   = var.description
  variables     = { a = "b" }
}

resource "aws_api_gateway_method_settings" "all" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  stage_name  = aws_api_gateway_stage.prod.stage_name
  method_path = "*/*"
  settings {
    throttling_rate_limit  = var.rate
    throttling_burst_limit = 100
  }
}

resource "aws_api_gateway_api_key" "key" {
  name  = "key"
  value = "a-value-of-at-least-twenty-letters"
}

resource "aws_api_gateway_usage_plan" "plan" {
  name = "plan"
  api_stages {
    api_id = aws_api_gateway_rest_api.rest.id
    stage  = aws_api_gateway_stage.prod.stage_name
  }
  quota_settings {
    limit  = 1000
    period = "MONTH"
  }
  throttle_settings {
    burst_limit = 100
    rate_limit  = var.rate
  }
}

resource "aws_api_gateway_usage_plan_key" "key" {
  key_id        = aws_api_gateway_api_key.key.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.plan.id
}

resource "aws_lambda_permission" "rest" {
  statement_id  = "rest"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.web.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.rest.execution_arn}/*/*"
}

output "url" { value = aws_lambda_function_url.web.function_url }
output "http" { value = aws_apigatewayv2_api.http.api_endpoint }
output "rest" { value = aws_api_gateway_rest_api.rest.id }
