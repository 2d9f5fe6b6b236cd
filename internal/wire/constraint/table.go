// Package constraint checks the inputs of operations against the constraints of
// AWS's service models: required members, lengths, ranges, patterns and enums, with
// the texts that AWS's own framework answers with.
//
// It decides what the model alone can decide. What depends on more than one member
// or on what exists is the services' to check, and so are the few members of which
// the service has a text of its own.
package constraint

//go:generate go run ./constraintgen

// shape is the constraint of one shape of a model. min and max bound the value of a
// number and the length of anything else.
type shape struct {
	hasMin, hasMax bool
	min, max       float64
	pattern        string
	enum           []string
	elem           uint16 // of a list's members and a map's values; 0 for none
	key            uint16 // of a map's keys; 0 for none
}

// member is a field of a Go struct that has a constraint.
type member struct {
	field    string
	shape    uint16
	required bool
}

// structure is a Go struct of the SDK.
type structure struct {
	name    string
	members []member
}

// Model has the constraints of one service.
type Model struct {
	// code is the exception that the service answers violations with.
	code    string
	shapes  []shape
	structs map[string]map[string]member
}

// For returns the model of a service, by its wire.Service.Model. A service of which no
// model is known has no constraints; nor have SQS and API Gateway, which check by
// themselves and with texts of their own.
func For(service string) *Model {
	switch service {
	case "lambda":
		return newModel("ValidationException", lambdaShapes, lambdaStructures)
	case "logs":
		return newModel("InvalidParameterException", logsShapes, logsStructures)
	case "iam":
		return newModel("ValidationError", iamShapes, iamStructures)
	case "sts":
		return newModel("ValidationError", stsShapes, stsStructures)
	case "sns":
		return newModel("ValidationError", snsShapes, snsStructures)
	case "events":
		return newModel("ValidationException", eventsShapes, eventsStructures)
	case "scheduler":
		return newModel("ValidationException", schedulerShapes, schedulerStructures)
	case "dynamodb":
		return newModel("ValidationException", dynamodbShapes, dynamodbStructures)
	case "dynamodbstreams":
		return newModel("ValidationException", dynamodbstreamsShapes, dynamodbstreamsStructures)
	case "cloudwatch":
		return newModel("ValidationException", cloudwatchShapes, cloudwatchStructures)
	default:
		return newModel("ValidationException", nil, nil)
	}
}

func newModel(code string, shapes []shape, structures []structure) *Model {
	m := &Model{code: code, shapes: shapes, structs: make(map[string]map[string]member, len(structures))}
	for _, s := range structures {
		members := make(map[string]member, len(s.members))
		for _, mem := range s.members {
			members[mem.field] = mem
		}
		m.structs[s.name] = members
	}
	return m
}
