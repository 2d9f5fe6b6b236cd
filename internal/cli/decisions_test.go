package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/hearthfaas/hearth/internal/reportline"
)

func TestExplain(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, tt := range []struct {
		name string
		err  error
		code string
		text string
		hint string
		exit int
	}{
		{"a refused request keeps AWS's code and message", fmt.Errorf("x: %w", &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}), "AccessDeniedException", "no", "policies", exitFailed},
		{"a function that is not there hints at the list", &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "Function not found: arn"}, "ResourceNotFoundException", "Function not found: arn", "hearth ls", exitFailed},
		{"another thing that is not there does not", &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "The specified log group does not exist."}, "ResourceNotFoundException", "The specified", "", exitFailed},
		{"a code without a hint has none", &smithy.GenericAPIError{Code: "ServiceException", Message: "m"}, "ServiceException", "m", "", exitFailed},
		{"a refused connection is not reaching Hearth", fmt.Errorf("send: %w", refused), "", "no Hearth answers at http://x", "hearth up", exitUnreachable},
		{"an interrupt is said", context.Canceled, "", "interrupted", "", exitFailed},
		{"our own errors bring their remedy", fmt.Errorf("y: %w", &remedied{"broken", "mend it"}), "", "broken", "mend it", exitFailed},
		{"any other error is itself", errors.New("odd"), "", "odd", "", exitFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := explain(tt.err, "http://x")
			if got.Code != tt.code || !strings.Contains(got.Message, tt.text) || !strings.Contains(got.Hint, tt.hint) || (tt.hint == "") != (got.Hint == "") || got.exit != tt.exit {
				t.Errorf("got %+v, want code %q, text %q, hint %q, exit %d", got, tt.code, tt.text, tt.hint, tt.exit)
			}
		})
	}
}

func TestConfigChange(t *testing.T) {
	now := &types.FunctionConfiguration{
		FunctionName: aws.String("f"), Runtime: "nodejs20.x", Handler: aws.String("index.handler"),
		MemorySize: aws.Int32(128), Timeout: aws.Int32(3), Environment: &types.EnvironmentResponse{Variables: map[string]string{"A": "1"}},
	}
	for _, tt := range []struct {
		name  string
		flags deployFlags
		env   map[string]string
		want  bool
	}{
		{"nothing said changes nothing", deployFlags{}, nil, false},
		{"what it has already changes nothing", deployFlags{runtime: "nodejs20.x", handler: "index.handler", memory: 128, timeout: 3}, map[string]string{"A": "1"}, false},
		{"another memory", deployFlags{memory: 256}, nil, true},
		{"another timeout", deployFlags{timeout: 9}, nil, true},
		{"another runtime", deployFlags{runtime: "nodejs22.x"}, nil, true},
		{"another handler", deployFlags{handler: "app.handler"}, nil, true},
		{"another variable", deployFlags{}, map[string]string{"A": "2"}, true},
		{"variables that are taken away", deployFlags{}, map[string]string{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, got := configChange(now, tt.flags, tt.env)
			if got != tt.want {
				t.Errorf("differs %v, want %v: %+v", got, tt.want, in)
			}
		})
	}
}

func TestBreakdown(t *testing.T) {
	ms := time.Millisecond
	warm := reportline.Report{Duration: 2 * ms}
	cold := reportline.Report{Duration: 2 * ms, Init: 20 * ms}
	for _, tt := range []struct {
		name  string
		r     reportline.Report
		parts []reportline.Part
		want  string
	}{
		{"warm", warm, nil, "warm start: handler 2.00 ms; 30.00 ms in all, as seen from here"},
		{"cold, parts unknown", cold, nil, "cold start: init 20.00 ms + handler 2.00 ms; 30.00 ms in all, as seen from here"},
		{
			"cold, parts told", cold,
			[]reportline.Part{{Name: "sandbox", Duration: 5 * ms}, {Name: "init", Duration: 20 * ms}},
			"cold start: sandbox 5.00 ms + init 20.00 ms + handler 2.00 ms; 30.00 ms in all, as seen from here",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := breakdown(tt.r, tt.parts, 30*ms); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRoleName(t *testing.T) {
	if got, want := roleName("hello"), "hearth-hello"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	a, b := roleName(strings.Repeat("x", 64)), roleName(strings.Repeat("x", 63)+"y")
	if len(a) > roleMax || len(b) > roleMax || a == b {
		t.Errorf("long names: got %q and %q, want two names of at most %d", a, b, roleMax)
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:4566": "http://127.0.0.1:4566", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'",
	} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestDefaultKeysAndEndpoint(t *testing.T) {
	for _, tt := range []struct {
		name     string
		flag     string
		env      map[string]string
		endpoint string
		key      string
	}{
		{"nothing set", "", nil, defaultEndpoint, "test"},
		{"the AWS variable", "", map[string]string{"AWS_ENDPOINT_URL": "http://a:1"}, "http://a:1", "test"},
		{"Hearth's variable wins over it", "", map[string]string{"AWS_ENDPOINT_URL": "http://a:1", "HEARTH_ENDPOINT": "http://b:1"}, "http://b:1", "test"},
		{"the flag wins over both", "http://c:1", map[string]string{"HEARTH_ENDPOINT": "http://b:1"}, "http://c:1", "test"},
		{"keys of the environment", "", map[string]string{"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}, defaultEndpoint, "AKIA"},
		{"keys win over a profile of the environment", "", map[string]string{"AWS_ACCESS_KEY_ID": "AKIA", "AWS_PROFILE": "absent"}, defaultEndpoint, "AKIA"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &app{getenv: func(k string) string { return tt.env[k] }, endpoint: tt.flag}
			cfg, err := a.awsConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			keys, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil && tt.env["AWS_SECRET_ACCESS_KEY"] != "" {
				t.Fatal(err)
			}
			if got := aws.ToString(cfg.BaseEndpoint); got != tt.endpoint {
				t.Errorf("endpoint %q, want %q", got, tt.endpoint)
			}
			if err == nil && keys.AccessKeyID != tt.key {
				t.Errorf("key %q, want %q", keys.AccessKeyID, tt.key)
			}
		})
	}
}
