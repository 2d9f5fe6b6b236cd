terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "team" {
  default = "blue"
}

provider "aws" {}

resource "aws_sqs_queue" "target" {
  name = "target"
}

resource "aws_sqs_queue" "dead" {
  name = "dead"
}

resource "aws_sqs_queue" "ordered" {
  name                        = "ordered.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
}

resource "aws_cloudwatch_event_bus" "orders" {
  name        = "orders"
  description = "of team ${var.team}"
  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }
  tags = {
    team = var.team
  }
}

resource "aws_cloudwatch_event_permission" "neighbour" {
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  principal      = "111122223333"
  statement_id   = "neighbour"
}

resource "aws_cloudwatch_event_bus" "open" {
  name = "open"
}

resource "aws_cloudwatch_event_bus_policy" "open" {
  event_bus_name = aws_cloudwatch_event_bus.open.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "all"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = "events:PutEvents"
      Resource  = aws_cloudwatch_event_bus.open.arn
    }]
  })
}

resource "aws_cloudwatch_event_rule" "placed" {
  name           = "placed"
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  description    = "orders of team ${var.team}"
  event_pattern = jsonencode({
    source = ["shop"]
    detail = { team = [var.team], total = [{ numeric = [">", 100] }] }
  })
  tags = {
    team = var.team
  }
}

resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "nightly"
  schedule_expression = "cron(0 3 * * ? *)"
  state               = var.team == "blue" ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_rule" "often" {
  name_prefix         = "often-"
  schedule_expression = "rate(5 minutes)"
}

resource "aws_cloudwatch_event_target" "queue" {
  rule           = aws_cloudwatch_event_rule.placed.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  target_id      = "queue"
  arn            = aws_sqs_queue.target.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = var.team == "blue" ? 3 : 0
  }
  input_transformer {
    input_paths    = { total = "$.detail.total" }
    input_template = "\"${var.team}: <total>\""
  }
}

resource "aws_cloudwatch_event_target" "ordered" {
  rule           = aws_cloudwatch_event_rule.placed.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  arn            = aws_sqs_queue.ordered.arn
  input_path     = "$.detail"
  sqs_target {
    message_group_id = "g"
  }
}

resource "aws_iam_role" "forward" {
  name = "forward"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "events.amazonaws.com" } }]
  })
}

resource "aws_cloudwatch_event_target" "bus" {
  rule      = aws_cloudwatch_event_rule.nightly.name
  target_id = "bus"
  arn       = aws_cloudwatch_event_bus.orders.arn
  role_arn  = aws_iam_role.forward.arn
}

resource "aws_cloudwatch_event_target" "constant" {
  rule  = aws_cloudwatch_event_rule.often.name
  arn   = aws_sqs_queue.target.arn
  input = jsonencode({ team = var.team })
}

resource "aws_cloudwatch_event_archive" "orders" {
  name             = "orders"
  event_source_arn = aws_cloudwatch_event_bus.orders.arn
  description      = "of team ${var.team}"
  retention_days   = 7
  event_pattern    = jsonencode({ source = ["shop"] })
}
