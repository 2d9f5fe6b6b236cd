#!/bin/sh
# Makes a queue, a table and a function between them, sends five orders and shows the
# table. It needs a running Hearth, the aws CLI, and `hearth runtimes install python-sdk`.
set -eu
cd "$(dirname "$0")"
hearth=${HEARTH:-hearth}
export AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}"
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}" AWS_PAGER=""
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-test}" AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-test}"
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; } # older ones do not read the variable

dead=$(aws sqs create-queue --queue-name orders-dead --query QueueUrl --output text)
dead_arn=$(aws sqs get-queue-attributes --queue-url "$dead" --attribute-names QueueArn --query Attributes.QueueArn --output text)
attributes=$(printf '{"VisibilityTimeout":"30","RedrivePolicy":"{\\"deadLetterTargetArn\\":\\"%s\\",\\"maxReceiveCount\\":\\"3\\"}"}' "$dead_arn")
queue=$(aws sqs create-queue --queue-name orders --attributes "$attributes" --query QueueUrl --output text)
queue_arn=$(aws sqs get-queue-attributes --queue-url "$queue" --attribute-names QueueArn --query Attributes.QueueArn --output text)

aws dynamodb create-table --table-name orders --billing-mode PAY_PER_REQUEST \
  --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH > /dev/null
aws dynamodb wait table-exists --table-name orders

role=$(aws iam create-role --role-name orders --assume-role-policy-document file://trust.json --query Role.Arn --output text)
aws iam put-role-policy --role-name orders --policy-name orders --policy-document file://policy.json

"$hearth" deploy . --name sqs-to-dynamodb --role "$role" --env TABLE=orders --timeout 10 --memory 256
aws lambda create-event-source-mapping --function-name sqs-to-dynamodb --event-source-arn "$queue_arn" \
  --function-response-types ReportBatchItemFailures --query State --output text

for n in 1 2 3 4 5; do
  aws sqs send-message --queue-url "$queue" --message-body "{\"id\":\"$n\",\"item\":\"lamp\",\"amount\":$n}" > /dev/null
done
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  count=$(aws dynamodb scan --table-name orders --select COUNT --query Count --output text)
  [ "$count" = 5 ] && break
  sleep 1
done
aws dynamodb scan --table-name orders --query 'Items[].{id:id.S,item:item.S,amount:amount.N}' --output table
[ "$count" = 5 ]
