package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/hearthfaas/hearth/internal/awsapi"
	"github.com/hearthfaas/hearth/internal/controlplane"
	"github.com/hearthfaas/hearth/internal/frontend"
	"github.com/hearthfaas/hearth/internal/functionurl"
	"github.com/hearthfaas/hearth/internal/httpevent"
	"github.com/hearthfaas/hearth/internal/lambda"
)

// urlSite makes the site that answers at function URLs.
func urlSite(p *parts, signatures *awsapi.Authenticator, log *slog.Logger) *functionurl.Site {
	return functionurl.New(functionurl.Config{
		Functions: urlTargets{p.plane}, Signatures: signatures, Authorizer: p.iam, Invoker: urlInvoker{p.invoker},
		Answered: urlMetrics(p.metrics), Now: time.Now, Log: log,
	})
}

// urlTargets shows the control plane's function URLs to the site that serves them.
type urlTargets struct{ plane *controlplane.Service }

// URL meets functionurl.Functions.
func (a urlTargets) URL(id string) (functionurl.Target, bool) {
	t, ok := a.plane.URL(id)
	if !ok {
		return functionurl.Target{}, false
	}
	out := functionurl.Target{
		Function: t.Function, Qualifier: t.Qualifier,
		IAM: t.Auth == controlplane.URLAuthIAM, Streaming: t.Streaming,
	}
	if c := t.Cors; c != nil {
		out.Cors = &httpevent.Cors{
			AllowCredentials: c.AllowCredentials, AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods,
			AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders, MaxAgeSec: c.MaxAgeSec,
		}
	}
	return out, true
}

// urlInvoker shows the frontend to function URLs.
type urlInvoker struct{ invoker }

func urlInput(c functionurl.Call) frontend.Input {
	return frontend.Input{
		Caller: c.Caller, FunctionName: c.FunctionARN, Type: lambda.RequestResponse, TraceID: c.TraceID, Payload: c.Payload,
	}
}

// Invoke meets functionurl.Invoker.
func (a urlInvoker) Invoke(ctx context.Context, c functionurl.Call) (lambda.Result, error) {
	out, err := a.frontend.Invoke(ctx, urlInput(c))
	if err != nil {
		return lambda.Result{}, invokeError(err)
	}
	return out.Result, nil
}

// InvokeStream meets functionurl.Invoker.
func (a urlInvoker) InvokeStream(ctx context.Context, c functionurl.Call, sink lambda.Sink) (lambda.Result, error) {
	out, err := a.frontend.InvokeStream(ctx, urlInput(c), sink)
	if err != nil {
		return lambda.Result{}, invokeError(err)
	}
	return out.Result, nil
}
