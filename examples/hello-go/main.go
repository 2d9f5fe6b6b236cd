// Command hello-go is a Lambda function in Go, on a custom runtime.
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Name string `json:"name"`
}

type answer struct {
	Message string `json:"message"`
}

func handle(_ context.Context, e event) (answer, error) {
	fmt.Println("hello from", lambdacontext.FunctionName)
	if e.Name == "" {
		e.Name = "world"
	}
	return answer{Message: "Hello, " + e.Name + "!"}, nil
}

func main() { lambda.Start(handle) }
