package wire

import (
	"cmp"
	"reflect"

	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamstypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

//go:generate go run ./modelgen

// modelOperation is what the codec needs to know of an operation beyond its Go
// types: its HTTP binding (restJson1) or just its name.
type modelOperation struct {
	name   string
	method string
	uri    string // path template, possibly with a literal query
	status int    // of a success
}

// model is a service as AWS has it: every operation, so that one which exists at AWS
// but not here can be told from one that does not exist at all, and what the fields
// of a Service are that leaves them empty.
type model struct {
	operations []modelOperation
	defaults   Service
	// pathMember is the member of an awsQuery form that the path stands for when the
	// form lacks it: older clients of SQS post to the queue's own URL.
	pathMember string
	// bindings say how the fields travel of a service that publishes no schemas, by
	// struct and field; the others go by the field's name, its first letter small when
	// lowerCase.
	bindings  map[string]binding
	lowerCase bool
	stamp     string // the format of timestamps, where it is not the protocol's
}

// binding is what a schema says of a member.
type binding struct {
	name, placeName  string
	place            place
	stamp            string
	item, key, value string // of queryForm
	flat             bool
}

// models holds the services that Hearth knows, by Service.Model.
var models = map[string]model{
	"lambda": {operations: lambdaOperations},
	"logs":   {operations: cloudwatchlogsOperations},
	"iam":    {operations: iamOperations},
	"sts":    {operations: stsOperations},
	"sqs": {operations: sqsOperations, pathMember: "QueueUrl", defaults: Service{
		Protocol: AWSJSON10, Also: []Protocol{AWSQuery}, TargetPrefix: "AmazonSQS", TypePrefix: "com.amazonaws.sqs#",
		Version: "2012-11-05", Namespace: "http://queue.amazonaws.com/doc/2012-11-05/", Errors: sqsErrors,
	}},
	"sns": {operations: snsOperations, bindings: snsBindings, defaults: Service{
		Protocol: AWSQuery, Version: "2010-03-31", Namespace: "http://sns.amazonaws.com/doc/2010-03-31/", Errors: snsErrors,
	}},
	"events": {operations: eventbridgeOperations, defaults: Service{
		Protocol: AWSJSON11, TargetPrefix: "AWSEvents", Errors: eventbridgeErrors,
	}},
	"dynamodb": {operations: dynamodbOperations, defaults: Service{
		Protocol: AWSJSON10, TargetPrefix: "DynamoDB_20120810", TypePrefix: "com.amazonaws.dynamodb.v20120810#", Errors: dynamodbErrors,
	}},
	"dynamodbstreams": {operations: dynamodbstreamsOperations, defaults: Service{
		SigningName: "dynamodb", Protocol: AWSJSON10, TargetPrefix: "DynamoDBStreams_20120810",
		TypePrefix: "com.amazonaws.dynamodb.v20120810#", Errors: dynamodbstreamsErrors,
	}},
	"scheduler": {operations: schedulerOperations, bindings: schedulerBindings, defaults: Service{
		Protocol: RestJSON1, Errors: schedulerErrors,
	}},
	"apigateway": {operations: apigatewayOperations, bindings: apigatewayBindings, lowerCase: true, defaults: Service{
		Protocol: RestJSON1, Errors: apigatewayErrors,
	}},
	"apigatewayv2": {operations: apigatewayv2Operations, bindings: apigatewayv2Bindings, lowerCase: true, stamp: stampDateTime, defaults: Service{
		SigningName: "apigateway", Protocol: RestJSON1, Errors: apigatewayv2Errors,
	}},
	"cloudwatch": {operations: cloudwatchOperations, defaults: Service{
		SigningName: "monitoring", Protocol: RPCv2CBOR, Also: []Protocol{AWSJSON10, AWSQuery}, TargetPrefix: "GraniteServiceVersion20100801",
		TypePrefix: "com.amazonaws.cloudwatch#", Version: "2010-08-01",
		Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/", Errors: cloudwatchErrors,
	}},
}

// complete returns a copy of s with what its model says in the fields that s leaves
// empty.
func complete(s *Service) *Service {
	c := *s
	c.Model = cmp.Or(c.Model, c.Name)
	d := models[c.Model].defaults
	c.SigningName = cmp.Or(c.SigningName, d.SigningName, c.Name)
	c.TargetPrefix = cmp.Or(c.TargetPrefix, d.TargetPrefix)
	c.Version = cmp.Or(c.Version, d.Version)
	c.Namespace = cmp.Or(c.Namespace, d.Namespace)
	c.TypePrefix = cmp.Or(c.TypePrefix, d.TypePrefix)
	if c.Protocol == "" {
		c.Protocol, c.Also = d.Protocol, d.Also
	}
	if c.Errors == nil {
		c.Errors = d.Errors
	}
	return &c
}

// variant is one member of a union: its name on the wire and the struct, with the
// single field Value, that stands for it in Go.
type variant struct {
	name string
	typ  reflect.Type
}

// unions lists what reflection cannot find: the types that implement a union's
// interface.
var unions = map[reflect.Type][]variant{
	reflect.TypeFor[logstypes.IntegrationDetails](): {
		{"openSearchIntegrationDetails", reflect.TypeFor[logstypes.IntegrationDetailsMemberOpenSearchIntegrationDetails]()},
	},
	reflect.TypeFor[logstypes.ResourceConfig](): {
		{"openSearchResourceConfig", reflect.TypeFor[logstypes.ResourceConfigMemberOpenSearchResourceConfig]()},
	},
	reflect.TypeFor[iamtypes.PolicyIdentifier](): {
		{"InlinePolicyIdentifier", reflect.TypeFor[iamtypes.PolicyIdentifierMemberInlinePolicyIdentifier]()},
		{"PolicyArn", reflect.TypeFor[iamtypes.PolicyIdentifierMemberPolicyArn]()},
		{"PolicyType", reflect.TypeFor[iamtypes.PolicyIdentifierMemberPolicyType]()},
	},
	reflect.TypeFor[cloudwatchtypes.EvaluationCriteria](): {
		{"PromQLCriteria", reflect.TypeFor[cloudwatchtypes.EvaluationCriteriaMemberPromQLCriteria]()},
	},
	reflect.TypeFor[cloudwatchtypes.EvaluationWindow](): {
		{"SlidingWindow", reflect.TypeFor[cloudwatchtypes.EvaluationWindowMemberSlidingWindow]()},
		{"WallClockWindow", reflect.TypeFor[cloudwatchtypes.EvaluationWindowMemberWallClockWindow]()},
	},
	reflect.TypeFor[dynamodbtypes.AttributeValue](): {
		{"B", reflect.TypeFor[dynamodbtypes.AttributeValueMemberB]()},
		{"BOOL", reflect.TypeFor[dynamodbtypes.AttributeValueMemberBOOL]()},
		{"BS", reflect.TypeFor[dynamodbtypes.AttributeValueMemberBS]()},
		{"L", reflect.TypeFor[dynamodbtypes.AttributeValueMemberL]()},
		{"M", reflect.TypeFor[dynamodbtypes.AttributeValueMemberM]()},
		{"N", reflect.TypeFor[dynamodbtypes.AttributeValueMemberN]()},
		{"NS", reflect.TypeFor[dynamodbtypes.AttributeValueMemberNS]()},
		{"NULL", reflect.TypeFor[dynamodbtypes.AttributeValueMemberNULL]()},
		{"S", reflect.TypeFor[dynamodbtypes.AttributeValueMemberS]()},
		{"SS", reflect.TypeFor[dynamodbtypes.AttributeValueMemberSS]()},
	},
	reflect.TypeFor[streamstypes.AttributeValue](): {
		{"B", reflect.TypeFor[streamstypes.AttributeValueMemberB]()},
		{"BOOL", reflect.TypeFor[streamstypes.AttributeValueMemberBOOL]()},
		{"BS", reflect.TypeFor[streamstypes.AttributeValueMemberBS]()},
		{"L", reflect.TypeFor[streamstypes.AttributeValueMemberL]()},
		{"M", reflect.TypeFor[streamstypes.AttributeValueMemberM]()},
		{"N", reflect.TypeFor[streamstypes.AttributeValueMemberN]()},
		{"NS", reflect.TypeFor[streamstypes.AttributeValueMemberNS]()},
		{"NULL", reflect.TypeFor[streamstypes.AttributeValueMemberNULL]()},
		{"S", reflect.TypeFor[streamstypes.AttributeValueMemberS]()},
		{"SS", reflect.TypeFor[streamstypes.AttributeValueMemberSS]()},
	},
}
