terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

variable "team" { default = "blue" }

data "aws_caller_identity" "me" {}

locals {
  anything = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["sqs:SendMessage"], Resource = "*" }]
  })
}

resource "aws_iam_policy" "managed" {
  name        = "managed"
  path        = "/made/"
  description = "A policy"
  policy      = local.anything
  tags        = { team = var.team }
}

resource "aws_iam_role" "role" {
  name                 = "role"
  path                 = "/made/"
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.managed.arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = aws_iam_user.user.arn }
      Condition = { StringEquals = { "aws:PrincipalTag/team" = var.team } }
    }]
  })
  tags = { team = var.team }
}

resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.role.id
  policy = local.anything
}

resource "aws_iam_role_policy_attachment" "role" {
  role       = aws_iam_role.role.name
  policy_arn = aws_iam_policy.managed.arn
}

resource "aws_iam_user" "user" {
  name          = "user"
  path          = "/made/"
  force_destroy = true
  tags          = { team = var.team }
}

resource "aws_iam_user_policy" "user" {
  name   = "inline"
  user   = aws_iam_user.user.name
  policy = local.anything
}

resource "aws_iam_user_policy_attachment" "user" {
  user       = aws_iam_user.user.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
}

resource "aws_iam_access_key" "key" {
  user = aws_iam_user.user.name
}

resource "aws_iam_group" "group" {
  name = "group"
  path = "/made/"
}

resource "aws_iam_group_policy" "group" {
  name   = "inline"
  group  = aws_iam_group.group.name
  policy = local.anything
}

resource "aws_iam_group_policy_attachment" "group" {
  group      = aws_iam_group.group.name
  policy_arn = aws_iam_policy.managed.arn
}

resource "aws_iam_group_membership" "members" {
  name  = "members"
  group = aws_iam_group.group.name
  users = [aws_iam_user.user.name]
}

resource "aws_iam_openid_connect_provider" "provider" {
  url             = "https://login.example.com/tenant"
  client_id_list  = ["app"]
  thumbprint_list = ["990f4193972f2becf12ddeda5237f9c952f20d9e"]
}

resource "aws_iam_account_alias" "alias" {
  account_alias = "hearth-terraform"
}

output "key" { value = aws_iam_access_key.key.id }
output "secret" {
  value     = aws_iam_access_key.key.secret
  sensitive = true
}
