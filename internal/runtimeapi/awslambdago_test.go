package runtimeapi

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// buildClient builds the function on aws-lambda-go.
func buildClient(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "./testdata/awslambdago")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// run starts the client against the session's API and tells the session of its end.
func run(t *testing.T, s *Session, c client, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(c.url, "http://"), "_HANDLER=bootstrap"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ends is looked at through the session
		s.Gone()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return cmd
}

func TestAWSLambdaGoClient(t *testing.T) {
	path := buildClient(t)
	ask := func(s *Session, event string) (Outcome, error) {
		inv := &lambda.Invocation{
			RequestID: testID, Deadline: time.Now().Add(time.Minute), InvokedFunctionARN: "arn:f",
			TraceID: "Root=1", ClientContext: `{"custom":{"k":"v"}}`, Payload: []byte(event),
		}
		return s.Invoke(t.Context(), inv)
	}
	t.Run("answers and fails", func(t *testing.T) {
		s, c := serve(t)
		run(t, s, c, path)
		initialised(t, s)
		for range 3 {
			out, err := ask(s, `{"a":"b"}`)
			want := `{"arn":"arn:f","custom":{"k":"v"},"deadline":true,"event":{"a":"b"},"id":"` + testID + `"}`
			if err != nil || string(out.Payload) != want || out.FunctionError != "" {
				t.Errorf("got %s %v, want %s", out.Payload, err, want)
			}
			out, err = ask(s, `{"do":"fail"}`)
			want = `{"errorMessage":"asked to fail","errorType":"errorString"}`
			if err != nil || string(out.Payload) != want || out.FunctionError != lambda.Unhandled {
				t.Errorf("got %s %v, want %s", out.Payload, err, want)
			}
		}
	})
	t.Run("posts a panic and ends", func(t *testing.T) {
		s, c := serve(t)
		run(t, s, c, path)
		initialised(t, s)
		out, err := ask(s, `{"do":"panic"}`)
		if err != nil || !strings.HasPrefix(string(out.Payload), `{"errorMessage":"asked to panic","errorType":"string","stackTrace":[{"path":`) {
			t.Errorf("got %.200s %v", out.Payload, err)
		}
		if _, err := ask(s, `{}`); !errors.Is(err, ErrNotDelivered) {
			t.Errorf("after its end: got %v", err)
		}
	})
	t.Run("learns that its response is too large", func(t *testing.T) {
		s, c := serve(t)
		run(t, s, c, path)
		initialised(t, s)
		if out, err := ask(s, `{"do":"big"}`); err != nil || out.ErrorType != lambda.ErrorResponseSizeTooLarge {
			t.Errorf("got %q %v", out.ErrorType, err)
		}
	})
}
