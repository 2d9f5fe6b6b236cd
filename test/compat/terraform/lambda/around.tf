variable "alias_description" { default = "first" }
variable "alias_version" { default = "1" }
variable "weight" { default = 0 }
variable "source_arn" { default = "arn:aws:s3:::a" }
variable "auth" { default = "NONE" }
variable "origin" { default = "https://a.example" }
variable "invoke_mode" { default = "BUFFERED" }
variable "batch" { default = 10 }
variable "window" { default = 0 }
variable "enabled" { default = true }
variable "filter" { default = "a" }
variable "mapping_concurrency" { default = 2 }
variable "mapping_tag" { default = "a" }
variable "retries" { default = 1 }
variable "age" { default = 60 }
variable "destination" { default = "arn:aws:sqs:us-east-1:000000000000:failed" }
variable "provisioned" { default = 1 }

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = var.alias_description
  function_name    = aws_lambda_function.zip.function_name
  function_version = var.alias_version
  dynamic "routing_config" {
    for_each = var.weight > 0 ? [var.weight] : []
    content {
      additional_version_weights = { "2" = routing_config.value }
    }
  }
}

resource "aws_lambda_permission" "bucket" {
  statement_id   = "bucket"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.zip.function_name
  principal      = "s3.amazonaws.com"
  source_arn     = var.source_arn
  source_account = "000000000000"
}

resource "aws_lambda_permission" "alias" {
  statement_id  = "topic"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.zip.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "sns.amazonaws.com"
}

resource "aws_lambda_function_url" "open" {
  function_name      = aws_lambda_function.zip.function_name
  authorization_type = var.auth
  invoke_mode        = var.invoke_mode
  cors {
    allow_origins     = [var.origin]
    allow_methods     = ["GET", "POST"]
    allow_credentials = true
    max_age           = 60
  }
}

resource "aws_sqs_queue" "fed" {
  name                       = "fed"
  visibility_timeout_seconds = 180
}

resource "aws_iam_role_policy_attachment" "fed" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
}

resource "aws_lambda_event_source_mapping" "queue" {
  depends_on                         = [aws_iam_role_policy_attachment.fed]
  event_source_arn                   = aws_sqs_queue.fed.arn
  function_name                      = aws_lambda_function.bucket.arn
  batch_size                         = var.batch
  maximum_batching_window_in_seconds = var.window
  enabled                            = var.enabled
  function_response_types            = ["ReportBatchItemFailures"]
  filter_criteria {
    filter {
      pattern = jsonencode({ body = { kind = [var.filter] } })
    }
  }
  scaling_config {
    maximum_concurrency = var.mapping_concurrency
  }
  tags = { team = var.mapping_tag }
}

resource "aws_lambda_function_event_invoke_config" "zip" {
  function_name                = aws_lambda_function.zip.function_name
  depends_on                   = [aws_sqs_queue.failed, aws_sns_topic.failed, aws_iam_role_policy.failures]
  maximum_retry_attempts       = var.retries
  maximum_event_age_in_seconds = var.age
  destination_config {
    on_failure {
      destination = var.destination
    }
  }
}

resource "aws_lambda_provisioned_concurrency_config" "one" {
  function_name                     = aws_lambda_function.zip.function_name
  qualifier                         = "1"
  provisioned_concurrent_executions = var.provisioned
  depends_on                        = [aws_lambda_alias.live]
}
