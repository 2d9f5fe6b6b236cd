variable "code" { default = "one.zip" }
variable "description" { default = "first" }
variable "timeout" { default = 3 }
variable "memory" { default = 128 }
variable "ephemeral" { default = 512 }
variable "greeting" { default = "Hello" }
variable "log_format" { default = "Text" }
variable "tracing" { default = "PassThrough" }
variable "reserved" { default = 5 }
variable "layers" { default = true }
variable "function_tag" { default = "a" }
variable "layer_description" { default = "first" }
variable "fed_memory" { default = 128 }
variable "publishers" { default = "Warn" }

resource "aws_lambda_layer_version" "shared" {
  layer_name               = "shared"
  filename                 = "layer.zip"
  source_code_hash         = filebase64sha256("layer.zip")
  description              = var.layer_description
  compatible_runtimes      = ["nodejs20.x", "python3.12"]
  compatible_architectures = ["x86_64", "arm64"]
  license_info             = "MIT"
}

resource "aws_lambda_layer_version_permission" "shared" {
  layer_name     = aws_lambda_layer_version.shared.layer_name
  version_number = aws_lambda_layer_version.shared.version
  statement_id   = "everyone"
  action         = "lambda:GetLayerVersion"
  principal      = "*"
}

resource "aws_lambda_function" "zip" {
  function_name                  = "zip"
  role                           = aws_iam_role.function.arn
  runtime                        = "nodejs20.x"
  handler                        = "index.handler"
  filename                       = var.code
  source_code_hash               = filebase64sha256(var.code)
  publish                        = true
  description                    = var.description
  timeout                        = var.timeout
  memory_size                    = var.memory
  reserved_concurrent_executions = var.reserved
  layers                         = var.layers ? [aws_lambda_layer_version.shared.arn] : []
  ephemeral_storage {
    size = var.ephemeral
  }
  environment {
    variables = { GREETING = var.greeting }
  }
  logging_config {
    log_format            = var.log_format
    application_log_level = var.log_format == "JSON" ? "DEBUG" : null
    system_log_level      = var.log_format == "JSON" ? "WARN" : null
    log_group             = aws_cloudwatch_log_group.function.name
  }
  tracing_config {
    mode = var.tracing
  }
  dead_letter_config {
    target_arn = aws_sqs_queue.dead.arn
  }
  tags       = { team = var.function_tag }
  depends_on = [aws_iam_role_policy_attachment.logs, aws_iam_role_policy.failures]
}

resource "aws_sqs_queue" "dead" {
  name = "dead"
}

resource "aws_sqs_queue" "failed" {
  name = "failed"
}

resource "aws_sns_topic" "failed" {
  name = "failed"
}

# Failures go to queues and topics of the function's own.
resource "aws_iam_role_policy" "failures" {
  role = aws_iam_role.function.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["sqs:SendMessage", "sns:Publish"], Resource = ["arn:aws:sqs:*:*:*", "arn:aws:sns:*:*:*"] }]
  })
}

# Its code lies in a bucket, and its mapping feeds it.
resource "aws_lambda_function" "bucket" {
  function_name    = "bucket"
  role             = aws_iam_role.function.arn
  runtime          = "nodejs20.x"
  handler          = "index.handler"
  s3_bucket        = aws_s3_object.code.bucket
  s3_key           = aws_s3_object.code.key
  source_code_hash = filebase64sha256(var.object)
  memory_size      = var.fed_memory
}

resource "aws_lambda_code_signing_config" "signed" {
  allowed_publishers {
    signing_profile_version_arns = ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/abcdefghij"]
  }
  policies {
    untrusted_artifact_on_deployment = var.publishers
  }
}
