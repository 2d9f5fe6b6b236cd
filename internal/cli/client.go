package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/hearthfaas/hearth/internal/awshttp"
)

const (
	defaultEndpoint = "http://127.0.0.1:4566"
	defaultRegion   = "us-east-1"
	defaultKey      = "test" // both halves; what a Hearth on loopback accepts as its root key
)

// target is the endpoint that requests go to.
func (a *app) target() string {
	return cmp.Or(a.endpoint, a.getenv("HEARTH_ENDPOINT"), a.getenv("AWS_ENDPOINT_URL"), defaultEndpoint)
}

func (a *app) regionName() string {
	return cmp.Or(a.region, a.getenv("AWS_REGION"), a.getenv("AWS_DEFAULT_REGION"), defaultRegion)
}

// awsConfig is what every client is made from. Keys come from the AWS variables,
// or from a profile that was named; the default profile of the AWS configuration
// is left alone, because the keys in it are most often for the real AWS.
func (a *app) awsConfig(ctx context.Context) (aws.Config, error) {
	endpoint := a.target()
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return aws.Config{}, usagef("endpoint %q is not a URL such as %s", endpoint, defaultEndpoint)
	}
	cfg := aws.Config{
		Region:       a.regionName(),
		BaseEndpoint: aws.String(endpoint),
		HTTPClient:   awshttp.New(),
		// A command shows what happened; an invoke that is repeated behind one's
		// back, or a refused connection that is tried for seconds, hides it.
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	profile := a.profile
	key, secret := a.getenv("AWS_ACCESS_KEY_ID"), a.getenv("AWS_SECRET_ACCESS_KEY")
	if profile == "" && key == "" {
		profile = a.getenv("AWS_PROFILE")
	}
	switch {
	case profile != "":
		loaded, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
		if err != nil {
			return aws.Config{}, fmt.Errorf("read profile %s: %w", profile, err)
		}
		cfg.Credentials = loaded.Credentials
		if a.region == "" && loaded.Region != "" {
			cfg.Region = loaded.Region
		}
	case key != "":
		cfg.Credentials = credentials.NewStaticCredentialsProvider(key, secret, a.getenv("AWS_SESSION_TOKEN"))
	default:
		cfg.Credentials = credentials.NewStaticCredentialsProvider(defaultKey, defaultKey, "")
	}
	return cfg, nil
}

// clients are the services that subcommands talk to.
type clients struct {
	lambda *lambda.Client
	logs   *cloudwatchlogs.Client
	iam    *iam.Client
	sts    *sts.Client
}

func (a *app) clients(ctx context.Context) (clients, error) {
	cfg, err := a.awsConfig(ctx)
	if err != nil {
		return clients{}, err
	}
	return clients{
		lambda: lambda.NewFromConfig(cfg),
		logs:   cloudwatchlogs.NewFromConfig(cfg),
		iam:    iam.NewFromConfig(cfg),
		sts:    sts.NewFromConfig(cfg),
	}, nil
}
