terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

variable "minutes" { default = 5 }

resource "aws_iam_role" "scheduler" {
  name = "scheduler"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "scheduler.amazonaws.com" } }]
  })
  inline_policy {
    name   = "send"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = "*" }] })
  }
}

resource "aws_sqs_queue" "target" { name = "target" }

resource "aws_sqs_queue" "dead" { name = "dead" }

resource "aws_scheduler_schedule_group" "group" {
  name = "mine"
  tags = { minutes = var.minutes }
}

resource "aws_scheduler_schedule" "rate" {
  name                = "rate"
  group_name          = aws_scheduler_schedule_group.group.name
  schedule_expression = "rate(${var.minutes} minutes)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sqs_queue.target.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ from = "a rate" })

    dead_letter_config {
      arn = aws_sqs_queue.dead.arn
    }

    retry_policy {
      maximum_event_age_in_seconds = 600
      maximum_retry_attempts       = var.minutes
    }
  }
}

resource "aws_scheduler_schedule" "cron" {
  name_prefix                  = "cron-"
  description                  = "each weekday"
  state                        = "DISABLED"
  schedule_expression          = "cron(0 9 ? * MON-FRI *)"
  schedule_expression_timezone = "Europe/Berlin"
  start_date                   = "2090-01-01T00:00:00Z"
  end_date                     = "2091-01-01T00:00:00Z"

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 10 + var.minutes
  }

  target {
    arn      = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ MessageBody = "hello", QueueUrl = aws_sqs_queue.target.url })
  }
}
