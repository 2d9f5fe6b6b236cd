terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "ttl" {
  default = true
}

variable "team" {
  default = "blue"
}

variable "second" {
  default = false
}

# AWS_ENDPOINT_URL and the keys come from the environment.
provider "aws" {
  skip_requesting_account_id  = false
  skip_metadata_api_check     = true
  skip_credentials_validation = false
}

resource "aws_dynamodb_table" "games" {
  name                        = "games"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "player"
  range_key                   = "game"
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"
  deletion_protection_enabled = false

  attribute {
    name = "player"
    type = "S"
  }
  attribute {
    name = "game"
    type = "S"
  }
  attribute {
    name = "score"
    type = "N"
  }
  dynamic "attribute" {
    for_each = var.second ? ["day"] : []
    content {
      name = attribute.value
      type = "S"
    }
  }

  local_secondary_index {
    name            = "by-score"
    range_key       = "score"
    projection_type = "KEYS_ONLY"
  }
  global_secondary_index {
    name               = "game-score"
    hash_key           = "game"
    range_key          = "score"
    projection_type    = "INCLUDE"
    non_key_attributes = ["when"]
  }
  dynamic "global_secondary_index" {
    for_each = var.second ? ["by-day"] : []
    content {
      name            = global_secondary_index.value
      hash_key        = "day"
      projection_type = "ALL"
    }
  }

  ttl {
    attribute_name = "expires"
    enabled        = var.ttl
  }
  tags = { team = var.team }
}

resource "aws_dynamodb_table" "counters" {
  name           = "counters"
  billing_mode   = "PROVISIONED"
  read_capacity  = 5
  write_capacity = var.second ? 10 : 5
  hash_key       = "id"

  attribute {
    name = "id"
    type = "B"
  }
}

resource "aws_dynamodb_table_item" "first" {
  table_name = aws_dynamodb_table.games.name
  hash_key   = aws_dynamodb_table.games.hash_key
  range_key  = aws_dynamodb_table.games.range_key
  item = jsonencode({
    player = { S = "ada" }
    game   = { S = "chess" }
    score  = { N = "12" }
  })
}

resource "aws_dynamodb_resource_policy" "games" {
  resource_arn = aws_dynamodb_table.games.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = "dynamodb:GetItem"
      Resource  = aws_dynamodb_table.games.arn
    }]
  })
}
