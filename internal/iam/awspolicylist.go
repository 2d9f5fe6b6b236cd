package iam

// basicLogs is what AWSLambdaBasicExecutionRole allows, and every other execution
// role's policy besides its own.
var basicLogs = []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}

func withLogs(actions ...string) awsStatement { return allow(append(actions, basicLogs...)...) }

const serviceRole = "/service-role/"

// awsPolicies are the AWS-managed policies that functions and their deployments
// use (AWS managed policy reference). Those of a whole account (ReadOnlyAccess)
// are cut down to the services that Hearth has or stands next to.
var awsPolicies = []awsPolicy{
	{"/", "AdministratorAccess", []awsStatement{allow("*")}},
	{"/", "PowerUserAccess", []awsStatement{
		{Effect: "Allow", NotAction: []string{"iam:*", "organizations:*", "account:*"}, Resource: "*"},
		allow("iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles",
			"organizations:DescribeOrganization", "account:ListRegions", "account:GetAccountInformation"),
	}},
	{"/", "ReadOnlyAccess", []awsStatement{allow(
		"apigateway:GET", "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*",
		"dynamodb:BatchGet*", "dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*", "dynamodb:Query", "dynamodb:Scan",
		"dynamodb:PartiQLSelect", "ec2:Describe*", "events:Describe*", "events:List*", "events:Test*",
		"iam:Get*", "iam:List*", "iam:Simulate*", "iam:Generate*",
		"kinesis:Describe*", "kinesis:Get*", "kinesis:List*", "lambda:Get*", "lambda:List*",
		"logs:Describe*", "logs:Filter*", "logs:Get*", "logs:List*", "logs:StartQuery", "logs:StopQuery", "logs:TestMetricFilter",
		"s3:Get*", "s3:List*", "s3:Head*", "scheduler:Get*", "scheduler:List*", "sns:Get*", "sns:List*",
		"sqs:Get*", "sqs:List*", "sqs:Receive*", "states:Describe*", "states:Get*", "states:List*",
		"sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "sts:GetSessionToken", "tag:Get*", "xray:BatchGet*", "xray:Get*",
	)}},
	{"/", "IAMFullAccess", []awsStatement{allow("iam:*", "organizations:DescribeAccount", "organizations:DescribeOrganization")}},
	{"/", "IAMReadOnlyAccess", []awsStatement{allow(
		"iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails", "iam:Get*", "iam:List*",
		"iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy")}},

	{serviceRole, "AWSLambdaBasicExecutionRole", []awsStatement{withLogs()}},
	{serviceRole, "AWSLambdaSQSQueueExecutionRole", []awsStatement{withLogs(
		"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")}},
	{serviceRole, "AWSLambdaKinesisExecutionRole", []awsStatement{withLogs(
		"kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator",
		"kinesis:ListShards", "kinesis:ListStreams", "kinesis:SubscribeToShard")}},
	{serviceRole, "AWSLambdaDynamoDBExecutionRole", []awsStatement{withLogs(
		"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")}},
	{serviceRole, "AWSLambdaMSKExecutionRole", []awsStatement{withLogs(
		"kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers", "ec2:CreateNetworkInterface",
		"ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs", "ec2:DeleteNetworkInterface", "ec2:DescribeSubnets",
		"ec2:DescribeSecurityGroups")}},
	{serviceRole, "AWSLambdaVPCAccessExecutionRole", []awsStatement{withLogs(
		"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
		"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses")}},
	{serviceRole, "AWSLambdaBasicDurableExecutionRolePolicy", []awsStatement{withLogs(
		"lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState")}},
	{serviceRole, "AWSLambdaRole", []awsStatement{allow("lambda:InvokeFunction")}},
	{"/", "AWSXRayDaemonWriteAccess", []awsStatement{allow(
		"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
		"xray:GetSamplingStatisticSummaries")}},
	{"/", "AWSLambdaExecute", []awsStatement{
		allowOn("arn:aws:logs:*:*:*", "logs:*"),
		allowOn("arn:aws:s3:::*", "s3:GetObject", "s3:PutObject"),
	}},
	{"/", "AWSLambda_FullAccess", lambdaAccess("lambda:*")},
	{"/", "AWSLambda_ReadOnlyAccess", lambdaAccess("lambda:Get*", "lambda:List*")[:2:2]},

	{"/", "AmazonS3FullAccess", []awsStatement{allow("s3:*", "s3-object-lambda:*")}},
	{"/", "AmazonS3ReadOnlyAccess", []awsStatement{allow(
		"s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*")}},
	{"/", "AmazonDynamoDBFullAccess", []awsStatement{allow("dynamodb:*", "dax:*",
		"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "cloudwatch:PutMetricAlarm",
		"iam:GetRole", "iam:ListRoles", "lambda:CreateFunction", "lambda:ListFunctions", "lambda:ListEventSourceMappings",
		"lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:GetFunctionConfiguration",
		"lambda:DeleteFunction", "tag:GetResources")}},
	{"/", "AmazonDynamoDBReadOnlyAccess", []awsStatement{allow(
		"dynamodb:BatchGetItem", "dynamodb:Describe*", "dynamodb:GetItem", "dynamodb:GetResourcePolicy", "dynamodb:List*",
		"dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:Scan", "cloudwatch:DescribeAlarms",
		"cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "tag:GetResources")}},
	{"/", "AmazonSQSFullAccess", []awsStatement{allow("sqs:*")}},
	{"/", "AmazonSQSReadOnlyAccess", []awsStatement{allow(
		"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues", "sqs:ListQueues",
		"sqs:ListMessageMoveTasks", "sqs:ListQueueTags")}},
	{"/", "AmazonSNSFullAccess", []awsStatement{allow("sns:*")}},
	{"/", "AmazonSNSReadOnlyAccess", []awsStatement{allow(
		"sns:GetTopicAttributes", "sns:List*", "sns:CheckIfPhoneNumberIsOptedOut", "sns:GetEndpointAttributes",
		"sns:GetDataProtectionPolicy", "sns:GetPlatformApplicationAttributes", "sns:GetSMSAttributes",
		"sns:GetSubscriptionAttributes")}},
	{"/", "AmazonKinesisFullAccess", []awsStatement{allow("kinesis:*")}},
	{"/", "CloudWatchLogsFullAccess", []awsStatement{allow("logs:*", "cloudwatch:GenerateQuery")}},
	{"/", "CloudWatchLogsReadOnlyAccess", []awsStatement{allow(
		"logs:Describe*", "logs:Get*", "logs:List*", "logs:StartQuery", "logs:StopQuery", "logs:TestMetricFilter",
		"logs:FilterLogEvents", "logs:StartLiveTail", "logs:StopLiveTail")}},
	{"/", "AmazonEventBridgeFullAccess", []awsStatement{
		allow("events:*", "schemas:*", "scheduler:*", "pipes:*"),
		passRoleTo("events.amazonaws.com"), passRoleTo("scheduler.amazonaws.com"), passRoleTo("pipes.amazonaws.com"),
	}},
	{"/", "AmazonEventBridgeReadOnlyAccess", []awsStatement{allow(
		"events:Describe*", "events:List*", "events:TestEventPattern", "schemas:Describe*", "schemas:List*",
		"scheduler:Get*", "scheduler:List*", "pipes:DescribePipe", "pipes:List*")}},
}

func lambdaAccess(actions ...string) []awsStatement {
	return []awsStatement{
		allow(append([]string{
			"cloudformation:DescribeStacks", "cloudformation:ListStackResources", "cloudwatch:ListMetrics",
			"cloudwatch:GetMetricData", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
			"kms:ListAliases", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy",
			"iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoles", "logs:DescribeLogGroups",
			"states:DescribeStateMachine", "states:ListStateMachines", "tag:GetResources",
			"xray:GetTraceSummaries", "xray:BatchGetTraces",
		}, actions...)...),
		allowOn("arn:aws:logs:*:*:log-group:/aws/lambda/*", "logs:DescribeLogStreams", "logs:GetLogEvents", "logs:FilterLogEvents"),
		passRoleTo("lambda.amazonaws.com"),
	}
}
