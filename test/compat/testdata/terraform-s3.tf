terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "text" {
  default = "first"
}

provider "aws" {
  region                      = "us-east-1"
  s3_use_path_style           = true
  skip_requesting_account_id  = false
  skip_credentials_validation = false
}

resource "aws_s3_bucket" "b" {
  bucket = "terraform-bucket"
  tags   = { team = "blue" }
}

resource "aws_s3_bucket_versioning" "b" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "b" {
  bucket                  = aws_s3_bucket.b.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "b" {
  bucket     = aws_s3_bucket.b.id
  depends_on = [aws_s3_bucket_versioning.b]
  rule {
    id     = "old"
    status = "Enabled"
    filter {
      prefix = "logs/"
    }
    expiration {
      days = 30
    }
    noncurrent_version_expiration {
      noncurrent_days = 7
    }
  }
}

resource "aws_s3_bucket_cors_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  cors_rule {
    allowed_methods = ["GET", "PUT"]
    allowed_origins = ["https://example.com"]
    allowed_headers = ["*"]
    max_age_seconds = 60
  }
}

resource "aws_s3_bucket_policy" "b" {
  bucket = aws_s3_bucket.b.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:DeleteBucketPolicy"
      Resource  = aws_s3_bucket.b.arn
      Condition = { StringEquals = { "aws:PrincipalAccount" = "999999999999" } }
    }]
  })
}

resource "aws_s3_object" "o" {
  bucket     = aws_s3_bucket.b.id
  key        = "dir/object.txt"
  content    = var.text
  tags       = { kind = "text" }
  depends_on = [aws_s3_bucket_versioning.b]
}
