package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"

	"github.com/hearthfaas/hearth/internal/harness"
	"github.com/hearthfaas/hearth/internal/reportline"
)

type invokeFlags struct {
	payload   string
	qualifier string
	tail      bool
	async     bool
}

// invoked is what `hearth invoke --output json` prints.
type invoked struct {
	StatusCode      int32           `json:"status_code"`
	FunctionError   string          `json:"function_error,omitempty"`
	ExecutedVersion string          `json:"executed_version,omitempty"`
	RequestID       string          `json:"request_id"`
	Payload         json.RawMessage `json:"payload,omitempty"`
	ElapsedMs       float64         `json:"elapsed_ms"` // as this client saw it
	Report          *reportJSON     `json:"report,omitempty"`
	LogTail         string          `json:"log_tail,omitempty"`
}

type reportJSON struct {
	Cold       bool               `json:"cold"`
	DurationMs float64            `json:"duration_ms"`
	BilledMs   float64            `json:"billed_ms"`
	InitMs     float64            `json:"init_ms,omitempty"`
	MemoryMB   int                `json:"memory_mb"`
	UsedMB     int                `json:"max_memory_used_mb"`
	ColdParts  map[string]float64 `json:"cold_start_ms,omitempty"`
}

func (a *app) invokeCommand() *cobra.Command {
	var f invokeFlags
	cmd := &cobra.Command{
		Use:   "invoke NAME",
		Short: "Call a function and print what it returns",
		Long: `Call a function. Its result goes to standard output; an error of the function goes
to standard error, and the exit code is 1.`,
		Args:              needs("the name of the function", false),
		ValidArgsFunction: a.completeFunctions,
		RunE:              runs(func(ctx context.Context, args []string) error { return a.invoke(ctx, args[0], f) }),
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.payload, "payload", "p", "{}", "the event: JSON, @FILE, or - for standard input")
	fl.StringVar(&f.qualifier, "qualifier", "", "version or alias")
	fl.BoolVarP(&f.tail, "tail", "t", false, "also print the end of the log and where the time went (to standard error)")
	fl.BoolVar(&f.async, "async", false, "hand the event over and do not wait for the result")
	cmd.MarkFlagsMutuallyExclusive("tail", "async")
	return cmd
}

func (a *app) invoke(ctx context.Context, name string, f invokeFlags) error {
	payload, err := a.readPayload(f.payload)
	if err != nil {
		return err
	}
	c, err := a.clients(ctx)
	if err != nil {
		return err
	}
	in := &lambda.InvokeInput{FunctionName: &name, Payload: payload, InvocationType: types.InvocationTypeRequestResponse}
	if f.qualifier != "" {
		in.Qualifier = &f.qualifier
	}
	if f.async {
		in.InvocationType = types.InvocationTypeEvent
	}
	if f.tail || a.output == outputJSON && !f.async {
		in.LogType = types.LogTypeTail
	}
	var header string
	start := time.Now()
	out, err := c.lambda.Invoke(ctx, in, harness.KeepHeader(reportline.ColdStartHeader, &header))
	elapsed := time.Since(start)
	if err != nil {
		return err
	}
	tail, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		return fmt.Errorf("read the log tail: %w", err)
	}
	id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	if a.output == outputJSON {
		return a.printInvokedJSON(out, id, string(tail), header, elapsed)
	}
	if f.tail {
		a.printTail(string(tail), header, elapsed)
	}
	switch {
	case f.async:
		_, err = fmt.Fprintf(a.stderr, "accepted, request %s\n", id)
	case out.FunctionError != nil:
		a.printFunctionError(out.Payload)
		return failedError{}
	default:
		_, err = fmt.Fprintf(a.stdout, "%s\n", out.Payload)
	}
	return err
}

// readPayload finds the event and refuses what Lambda would refuse, before it is
// sent: the most common mistake is a text without its JSON quotes.
func (a *app) readPayload(arg string) ([]byte, error) {
	text := []byte(arg)
	var err error
	switch {
	case arg == "-":
		text, err = io.ReadAll(a.stdin)
	case strings.HasPrefix(arg, "@"):
		text, err = os.ReadFile(arg[1:])
	}
	if err != nil {
		return nil, usagef("read the payload: %v", err)
	}
	if len(text) > 0 && !json.Valid(text) {
		return nil, usagef(`the payload is not JSON; a text needs quotes: --payload '"text"'; a file an @: --payload @event.json`)
	}
	return text, nil
}

func (a *app) printInvokedJSON(out *lambda.InvokeOutput, id, tail, header string, elapsed time.Duration) error {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	doc := invoked{
		StatusCode: out.StatusCode, FunctionError: aws.ToString(out.FunctionError),
		ExecutedVersion: aws.ToString(out.ExecutedVersion), RequestID: id, ElapsedMs: ms(elapsed), LogTail: tail,
	}
	if json.Valid(out.Payload) {
		doc.Payload = out.Payload
	} else if len(out.Payload) > 0 { // a custom runtime may answer with any bytes
		text, err := json.Marshal(string(out.Payload))
		if err != nil {
			return fmt.Errorf("print the payload: %w", err)
		}
		doc.Payload = text
	}
	if r, ok := reportline.Last(tail); ok {
		doc.Report = &reportJSON{
			Cold: r.Cold(), DurationMs: ms(r.Duration), BilledMs: ms(r.Billed), InitMs: ms(r.Init), MemoryMB: r.MemoryMB, UsedMB: r.UsedMB,
		}
		for _, p := range reportline.ColdStart(header, tail) {
			if doc.Report.ColdParts == nil {
				doc.Report.ColdParts = map[string]float64{}
			}
			doc.Report.ColdParts[p.Name] = ms(p.Duration)
		}
	}
	if err := a.printJSON(doc); err != nil {
		return err
	}
	if out.FunctionError != nil {
		return failedError{}
	}
	return nil
}
