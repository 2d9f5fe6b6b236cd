#!/bin/sh
# Makes two buckets and a function between them, uploads a picture and fetches its
# thumbnail. It needs a running Hearth, the aws CLI and Go; a picture of your own goes
# as an argument.
set -eu
picture=$(realpath "${1:-$(dirname "$0")/picture.png}")
to=$(realpath .)/thumbnail.jpg
cd "$(dirname "$0")"
hearth=${HEARTH:-hearth}
export AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}"
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}" AWS_PAGER=""
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-test}" AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-test}"
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; } # older ones do not read the variable

aws s3 mb s3://pictures
aws s3 mb s3://thumbnails
role=$(aws iam create-role --role-name thumbnail --assume-role-policy-document file://trust.json --query Role.Arn --output text)
aws iam put-role-policy --role-name thumbnail --policy-name thumbnail --policy-document file://policy.json

"$hearth" deploy . --name thumbnail --role "$role" --env THUMBNAILS=thumbnails --timeout 30 --memory 512
function=$(aws lambda get-function-configuration --function-name thumbnail --query FunctionArn --output text)
aws lambda add-permission --function-name thumbnail --statement-id pictures --action lambda:InvokeFunction \
  --principal s3.amazonaws.com --source-arn arn:aws:s3:::pictures > /dev/null
aws s3api put-bucket-notification-configuration --bucket pictures --notification-configuration \
  "{\"LambdaFunctionConfigurations\":[{\"LambdaFunctionArn\":\"$function\",\"Events\":[\"s3:ObjectCreated:*\"]}]}"

key=$(basename "$picture")
aws s3 cp --no-progress "$picture" "s3://pictures/$key"
aws s3api wait object-exists --bucket thumbnails --key "$key" # asks every five seconds
aws s3 cp --no-progress "s3://thumbnails/$key" "$to"
