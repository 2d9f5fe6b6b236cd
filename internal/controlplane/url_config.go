package controlplane

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// urlQualifierPattern is the model's pattern for the Qualifier of URL operations.
const urlQualifierPattern = `((?!^\d+$)^[0-9a-zA-Z-_]+$)`

// resolveURL finds which function or alias a request means. Versions and $LATEST
// have no URLs.
func resolveURL(c lambda.Caller, op string, name, qualifier *string) (lambda.FunctionID, string, error) {
	id, q, err := resolve(c, op, name, qualifier)
	if err == nil && (q == lambda.Latest || isNumber(q)) {
		err = lambda.Errorf(lambda.CodeValidation,
			"1 validation error detected: Value '%s' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: %s",
			q, urlQualifierPattern)
	}
	return id, q, err
}

// corsMethods are what AllowMethods may name (Lambda API, Cors).
var corsMethods = []string{"GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"}

// checkCors applies what the model's lengths do not say.
func checkCors(c *types.Cors) error {
	if c == nil {
		return nil
	}
	for _, m := range c.AllowMethods {
		if !slices.Contains(corsMethods, m) {
			return lambda.Errorf(lambda.CodeValidation,
				"1 validation error detected: Value '[%s]' at 'cors.allowMethods' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [%s]]",
				strings.Join(c.AllowMethods, ", "), strings.Join(corsMethods, ", "))
		}
	}
	return nil
}

// corsOf are the rules of a request, nil when it has none.
func corsOf(c *types.Cors) *URLCors {
	if c == nil {
		return nil
	}
	out := URLCors{
		AllowCredentials: value(c.AllowCredentials),
		CredentialsGiven: c.AllowCredentials != nil,
		AllowHeaders:     c.AllowHeaders,
		AllowMethods:     c.AllowMethods,
		AllowOrigins:     c.AllowOrigins,
		ExposeHeaders:    c.ExposeHeaders,
		MaxAgeSec:        c.MaxAge,
	}
	if !out.CredentialsGiven && out.MaxAgeSec == nil &&
		len(out.AllowHeaders)+len(out.AllowMethods)+len(out.AllowOrigins)+len(out.ExposeHeaders) == 0 {
		return nil
	}
	return &out
}

func (c *URLCors) render() *types.Cors {
	if c == nil {
		return nil
	}
	out := &types.Cors{
		AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods, AllowOrigins: c.AllowOrigins,
		ExposeHeaders: c.ExposeHeaders, MaxAge: c.MaxAgeSec,
	}
	if c.CredentialsGiven {
		out.AllowCredentials = new(c.AllowCredentials)
	}
	return out
}

// renderURL shows a URL as the API does.
func (s *Service) renderURL(id lambda.FunctionID, qualifier string, u urlRecord) *types.FunctionUrlConfig {
	out := &types.FunctionUrlConfig{
		FunctionUrl:      new(s.functionURL(u.ID, id.Region)),
		FunctionArn:      new(id.QualifiedARN(qualifier)),
		AuthType:         types.FunctionUrlAuthType(u.Auth),
		Cors:             u.Cors.render(),
		InvokeMode:       types.InvokeModeBuffered,
		CreationTime:     new(urlTime(u.Created)),
		LastModifiedTime: new(urlTime(u.Modified)),
	}
	if u.Streaming {
		out.InvokeMode = types.InvokeModeResponseStream
	}
	return out
}

// functionURL is a URL by which a function can be called. AWS's end in on.aws, which
// nobody can serve elsewhere; so the node says how its own are written.
func (s *Service) functionURL(id, region string) string {
	if s.cfg.FunctionURL == nil {
		return "https://" + id + ".lambda-url." + region + ".on.aws/"
	}
	return s.cfg.FunctionURL(id, region)
}

// urlTime prints the times of function URLs, which unlike those of functions end in
// Z.
func urlTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
