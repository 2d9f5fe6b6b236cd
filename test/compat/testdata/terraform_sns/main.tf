terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "shown" {
  default = "first"
}

provider "aws" {}

resource "aws_sns_topic" "standard" {
  name                             = "standard"
  display_name                     = var.shown
  signature_version                = 2
  sqs_success_feedback_sample_rate = 10
  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget     = 20
        maxDelayTarget     = 20
        numRetries         = 3
        numMaxDelayRetries = 0
        numNoDelayRetries  = 0
        numMinDelayRetries = 0
        backoffFunction    = "linear"
      }
      disableSubscriptionOverrides = false
    }
  })
  tags = {
    shown = var.shown
  }
}

resource "aws_sns_topic" "fifo" {
  name                        = "ordered.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
}

data "aws_iam_policy_document" "publishers" {
  statement {
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.standard.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:s3:::${var.shown}"]
    }
  }
}

resource "aws_sns_topic_policy" "standard" {
  arn    = aws_sns_topic.standard.arn
  policy = data.aws_iam_policy_document.publishers.json
}

resource "aws_sns_topic_subscription" "queue" {
  topic_arn            = aws_sns_topic.standard.arn
  protocol             = "sqs"
  endpoint             = "arn:aws:sqs:us-east-1:000000000000:target"
  raw_message_delivery = true
  filter_policy_scope  = "MessageBody"
  filter_policy        = jsonencode({ shown = [var.shown] })
  redrive_policy       = jsonencode({ deadLetterTargetArn = "arn:aws:sqs:us-east-1:000000000000:dead" })
}

resource "aws_sns_topic_subscription" "function" {
  topic_arn = aws_sns_topic.standard.arn
  protocol  = "lambda"
  endpoint  = "arn:aws:lambda:us-east-1:000000000000:function:f"
}

resource "aws_sns_topic_subscription" "web" {
  topic_arn = aws_sns_topic.standard.arn
  protocol  = "http"
  endpoint  = "http://127.0.0.1:1/nobody"
  delivery_policy = jsonencode({
    healthyRetryPolicy = {
      minDelayTarget     = 1
      maxDelayTarget     = 2
      numRetries         = 2
      numMaxDelayRetries = 0
      numNoDelayRetries  = 0
      numMinDelayRetries = 0
      backoffFunction    = "linear"
    }
  })
}

resource "aws_sns_topic_subscription" "ordered" {
  topic_arn = aws_sns_topic.fifo.arn
  protocol  = "sqs"
  endpoint  = "arn:aws:sqs:us-east-1:000000000000:ordered.fifo"
}
