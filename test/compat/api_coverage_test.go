package compat

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestEveryOperationOfLambdaIsTestedOnTheWire finds operations, of those that the SDK
// knows, that no test here calls: when AWS adds one it fails.
func TestEveryOperationOfLambdaIsTestedOnTheWire(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "api_") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if op, input := strings.CutSuffix(s.Sel.Name, "Input"); input {
					called[op] = true
				}
			}
			return true
		})
	}
	var untested []string
	for m := range reflect.TypeFor[*lambda.Client]().Methods() {
		if m.Name != "Options" && !called[m.Name] {
			untested = append(untested, m.Name)
		}
	}
	if len(untested) > 0 {
		t.Errorf("no test calls %v", untested)
	}
}
