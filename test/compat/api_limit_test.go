package compat

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/harness"
)

// zeros is a package with one file of so many zero bytes, which is small itself.
func zeros(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("zeros")
	chunk := make([]byte, 1<<20)
	for n := 0; n < size && err == nil; n += len(chunk) {
		_, err = f.Write(chunk[:min(len(chunk), size-n)])
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAPILimitsAreExact tries every limit of a function from both sides.
func TestAPILimitsAreExact(t *testing.T) {
	if testing.Short() {
		t.Skip("packs and uploads hundreds of megabytes: not with -short")
	}
	const (
		zippedMax   = 52428800
		unzippedMax = 262144000
	)
	a := serve(t)
	with := func(name string, change func(*lambda.CreateFunctionInput)) *lambda.CreateFunctionInput {
		in := a.input(name)
		change(in)
		return in
	}
	variables := func(n int) *types.Environment {
		return &types.Environment{Variables: map[string]string{"KEY": strings.Repeat("v", n)}}
	}
	for name, change := range map[string]func(*lambda.CreateFunctionInput){
		"memory-most":   func(in *lambda.CreateFunctionInput) { in.MemorySize = new(int32(10240)) },
		"memory-least":  func(in *lambda.CreateFunctionInput) { in.MemorySize = new(int32(128)) },
		"timeout-most":  func(in *lambda.CreateFunctionInput) { in.Timeout = new(int32(900)) },
		"timeout-least": func(in *lambda.CreateFunctionInput) { in.Timeout = new(int32(1)) },
		"storage-most": func(in *lambda.CreateFunctionInput) {
			in.EphemeralStorage = &types.EphemeralStorage{Size: new(int32(10240))}
		},
		"description":           func(in *lambda.CreateFunctionInput) { in.Description = new(strings.Repeat("é", 256)) },
		"handler":               func(in *lambda.CreateFunctionInput) { in.Handler = new(strings.Repeat("h", 128)) },
		"variables":             func(in *lambda.CreateFunctionInput) { in.Environment = variables(4096 - len(`{"KEY":""}`)) },
		"tags":                  func(in *lambda.CreateFunctionInput) { in.Tags = numbered(50) },
		"unzipped":              func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zeros(t, unzippedMax-1) },
		strings.Repeat("n", 64): func(*lambda.CreateFunctionInput) {},
	} {
		t.Run("takes "+name, func(t *testing.T) {
			if err := a.call(with(name, change)); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	unmade := func(change func(*lambda.CreateFunctionInput)) *lambda.CreateFunctionInput {
		return with("unmade", change)
	}
	long := strings.Repeat("h", 129)
	value := strings.Repeat("v", 4097-len(`{"KEY":""}`))
	stored := make([]byte, zippedMax)
	tooLarge, err := harness.ZipFiles(map[string]string{"a": "a"})
	if err != nil {
		t.Fatal(err)
	}
	tooLarge = append(stored, tooLarge...) // a zip may have anything before it
	a.refuses(t, []refusal{
		{
			"memory of 10241", unmade(func(in *lambda.CreateFunctionInput) { in.MemorySize = new(int32(10241)) }), "InvalidParameterValueException",
			"'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240", false,
		},
		{
			"a timeout of 901", unmade(func(in *lambda.CreateFunctionInput) { in.Timeout = new(int32(901)) }), "InvalidParameterValueException",
			"'Timeout' value failed to satisfy constraint: Member must have value less than or equal to 900", false,
		},
		{"a handler of 129 characters", unmade(func(in *lambda.CreateFunctionInput) { in.Handler = &long }), "ValidationException", violation("'"+long+"'", "handler", "Member must have length less than or equal to 128"), false},
		{
			"one byte of variables more", unmade(func(in *lambda.CreateFunctionInput) { in.Environment = variables(len(value)) }), "InvalidParameterValueException",
			`Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"KEY":"` + value + `"}`, false,
		},
		{
			"a package one byte over what may be unpacked", unmade(func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zeros(t, unzippedMax+1) }), "InvalidParameterValueException",
			"Unzipped size must be smaller than 262144000 bytes", false,
		},
		{"a package over 50 MiB", unmade(func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = tooLarge }), "RequestEntityTooLargeException", "Zipped size must be smaller than 52428800 bytes", false},
	})
}
