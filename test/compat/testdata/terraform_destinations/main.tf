terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

variable "package" {}

variable "minutes" { default = 5 }

resource "aws_iam_role" "function" {
  name = "function"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
  inline_policy {
    name = "send"
    policy = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = ["sqs:SendMessage", "sns:Publish", "s3:PutObject"], Resource = "*" }]
    })
  }
}

resource "aws_sqs_queue" "queue" {
  name                       = "queue"
  visibility_timeout_seconds = 60 * var.minutes
}

resource "aws_sqs_queue_policy" "queue" {
  queue_url = aws_sqs_queue.queue.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow", Action = "sqs:SendMessage", Resource = aws_sqs_queue.queue.arn
      Principal = { Service = "s3.amazonaws.com" }
      Condition = { ArnEquals = { "aws:SourceArn" = aws_s3_bucket.bucket.arn } }
    }]
  })
}

resource "aws_sns_topic" "topic" { name = "topic" }

resource "aws_sns_topic_policy" "topic" {
  arn = aws_sns_topic.topic.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow", Action = "sns:Publish", Resource = aws_sns_topic.topic.arn
      Principal = { Service = "s3.amazonaws.com" }
    }]
  })
}

resource "aws_s3_bucket" "bucket" {
  bucket        = "pictures"
  force_destroy = true
}

resource "aws_s3_bucket_notification" "bucket" {
  bucket      = aws_s3_bucket.bucket.id
  eventbridge = true

  queue {
    id            = "new"
    queue_arn     = aws_sqs_queue.queue.arn
    events        = ["s3:ObjectCreated:*"]
    filter_suffix = ".${var.minutes}"
  }

  topic {
    id        = "gone"
    topic_arn = aws_sns_topic.topic.arn
    events    = ["s3:ObjectRemoved:*"]
  }

  lambda_function {
    id                  = "tagged"
    lambda_function_arn = aws_lambda_function.function.arn
    events              = ["s3:ObjectTagging:*"]
    filter_prefix       = "in/"
  }

  depends_on = [aws_sqs_queue_policy.queue, aws_sns_topic_policy.topic, aws_lambda_permission.bucket]
}

resource "aws_lambda_permission" "bucket" {
  statement_id  = "bucket"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function.function_name
  principal     = "s3.amazonaws.com"
  source_arn    = aws_s3_bucket.bucket.arn
}

resource "aws_lambda_function" "function" {
  function_name = "f"
  role          = aws_iam_role.function.arn
  runtime       = "nodejs20.x"
  handler       = "index.handler"
  filename      = var.package

  dead_letter_config {
    target_arn = aws_sns_topic.topic.arn
  }
}

resource "aws_lambda_function_event_invoke_config" "function" {
  function_name                = aws_lambda_function.function.function_name
  maximum_event_age_in_seconds = 60 * var.minutes
  maximum_retry_attempts       = 1

  destination_config {
    on_success {
      destination = aws_sqs_queue.queue.arn
    }
    on_failure {
      destination = aws_s3_bucket.bucket.arn
    }
  }
}
