# Every resource that people describe for a Lambda function, with a variable for each
# argument that the test changes.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region            = "us-east-1"
  s3_use_path_style = true
}

variable "tag" { default = "a" }
variable "retention" { default = 7 }
variable "object" { default = "one.zip" }

resource "aws_iam_role" "function" {
  name = "function"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = { team = var.tag }
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/zip"
  retention_in_days = var.retention
}

resource "aws_s3_bucket" "code" {
  bucket        = "code"
  force_destroy = true
}

resource "aws_s3_object" "code" {
  bucket = aws_s3_bucket.code.id
  key    = "function.zip"
  source = var.object
  etag   = filemd5(var.object)
}
