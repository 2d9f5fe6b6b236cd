terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "memory" {
  type    = number
  default = 128
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_iam_role" "function" {
  name = "terraform"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = { team = "a" }
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "own" {
  name = "own"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:ReceiveMessage", Resource = "*" }]
  })
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/terraform"
  retention_in_days = 7
}

resource "aws_lambda_function" "function" {
  function_name    = "terraform"
  role             = aws_iam_role.function.arn
  runtime          = "nodejs20.x"
  handler          = "index.handler"
  filename         = "function.zip"
  source_code_hash = filebase64sha256("function.zip")
  memory_size      = var.memory
  environment {
    variables = { GREETING = "Hello" }
  }
  tags       = { team = "a" }
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy_attachment.logs]
}

output "arn" {
  value = aws_lambda_function.function.arn
}
