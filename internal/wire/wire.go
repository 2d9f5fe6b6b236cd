// Package wire turns AWS's wire protocols into typed operations and back. It uses
// the AWS SDK's own published types and schemas in reverse: the SDK's Input types
// are what a service's operations take, its Output types what they return.
//
// It decides how bytes become shapes and shapes become bytes, for restJson1,
// awsJson, awsQuery and rpcv2Cbor. It does not decide who may call (awsapi), which service a
// request is for (awsapi), or what an operation does (the services).
package wire

import (
	"context"
	"fmt"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// Protocol is one of AWS's request and response encodings.
type Protocol string

// The protocols that Hearth speaks (Smithy's AWS protocol names).
const (
	RestJSON1 Protocol = "restJson1"
	AWSJSON10 Protocol = "awsJson1_0"
	AWSJSON11 Protocol = "awsJson1_1"
	AWSQuery  Protocol = "awsQuery"
	RPCv2CBOR Protocol = "rpcv2Cbor"
)

// Service is one AWS service as Hearth serves it: its names on the wire and the
// operations behind them.
type Service struct {
	// Name is the service's prefix in IAM actions, such as "lambda" or "logs".
	Name string
	// Model names the service among those that this package knows, where that is not
	// Name: two services may share a prefix, as DynamoDB and its streams do. What the
	// model says is left empty below: protocols, names on the wire and errors.
	Model string
	// SigningName is what its clients sign for, where that is not Name.
	SigningName string
	// Protocol is the encoding that the service's model names.
	Protocol Protocol
	// Also are the other encodings that AWS answers in: those of older clients.
	Also []Protocol
	// TargetPrefix is what stands before the dot in X-Amz-Target (awsJson), such as
	// "Logs_20140328".
	TargetPrefix string
	// Version is the Version parameter (awsQuery), such as "2010-05-08".
	Version string
	// Namespace is the XML namespace of answers (awsQuery).
	Namespace string
	// TypePrefix stands before the name of an exception in __type (awsJson), such as
	// "com.amazonaws.sqs#".
	TypePrefix string
	// Operations are what the service can do.
	Operations []Operation
	// Errors says how each exception looks on the wire. A code without an entry
	// is a 400 with the member "message".
	Errors map[string]ErrorShape
}

// ErrorShape is how an exception looks on the wire.
type ErrorShape struct {
	Status int
	// Member is the message's spelling in JSON: "message" or "Message".
	Member string
	// Bare says that the body never has the member Type (restJson1): the errors
	// that AWS's front door raises rather than the service.
	Bare bool
	// QueryCode is the code of awsQuery where it is not the exception's name, such as
	// "AWS.SimpleQueueService.NonExistentQueue".
	QueryCode string
}

// Operation is one call of a service's API.
type Operation struct {
	// Name is the API's name for it, such as "CreateFunction". The IAM action is
	// Service.Name + ":" + Action.
	Name string
	// Action is the IAM action's name where it differs from Name (Invoke is
	// InvokeFunction); empty means Name.
	Action string
	// NewInput makes the empty input for a request to be decoded into.
	NewInput func() any
	// NewOutput makes an empty output; the protocols learn its shape from it.
	NewOutput func() any
	// Resource is the ARN that authorization asks about; nil or an empty answer
	// mean "*".
	Resource func(c lambda.Caller, in any) string
	// OwnVerdict says that Call itself decides who may: the edge establishes the
	// caller and asks no policy. STS needs it, where GetCallerIdentity is never
	// denied and AssumeRole is up to the role's trust policy.
	OwnVerdict bool
	// OwnAccount says that no policy can open the operation to another account than the
	// resource's own: its callers are refused without a message.
	OwnAccount bool
	// Unsigned says that a request without a signature is carried out too, for a caller
	// of kind anonymous. It goes with OwnVerdict.
	Unsigned bool
	// Call carries the operation out. It returns the output, or an error: a
	// *lambda.Error is shown to the caller, any other is a fault of Hearth's.
	Call func(ctx context.Context, in any) (any, error)
}

// Op makes an Operation of a typed method. Resource may be nil.
func Op[In, Out any](
	name string,
	call func(context.Context, *In) (*Out, error),
	resource func(lambda.Caller, *In) string,
) Operation {
	op := Operation{
		Name:      name,
		NewInput:  func() any { return new(In) },
		NewOutput: func() any { return new(Out) },
		Call: func(ctx context.Context, in any) (any, error) {
			typed, ok := in.(*In)
			if !ok {
				panic(fmt.Sprintf("wire: %s was called with a %T", name, in))
			}
			out, err := call(ctx, typed)
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
	if resource != nil {
		op.Resource = func(c lambda.Caller, in any) string { return resource(c, in.(*In)) }
	}
	return op
}
