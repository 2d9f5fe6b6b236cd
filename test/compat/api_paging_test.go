package compat

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// paged is a list operation with what it lists.
type paged struct {
	name string
	// add makes an entry and says what the list calls it.
	add    func(ctx context.Context, i int) (string, error)
	remove func(ctx context.Context, entry string) error
	// list is one page.
	list func(ctx context.Context, marker *string, size *int32) (entries []string, next *string, err error)
}

// lists are list operations on what a client has. There is a function f with the
// alias prod.
func lists(a *api) []paged {
	c, f := a.Client, new("f")
	zip := bootstrapZip(a.t, "listed")
	layer := func(ctx context.Context, name string) (string, error) {
		out, err := c.PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: zip}})
		if err != nil {
			return "", err
		}
		return fmt.Sprint(out.Version), nil
	}
	return []paged{
		{
			"ListFunctions",
			func(ctx context.Context, i int) (string, error) {
				name := fmt.Sprintf("n%03d", i)
				_, err := c.CreateFunction(ctx, a.input(name))
				return name, err
			},
			func(ctx context.Context, name string) error {
				_, err := c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
				return err
			},
			func(ctx context.Context, marker *string, size *int32) (all []string, next *string, err error) {
				out, err := c.ListFunctions(ctx, &lambda.ListFunctionsInput{Marker: marker, MaxItems: size})
				if err != nil {
					return nil, nil, err
				}
				for _, f := range out.Functions {
					all = append(all, *f.FunctionName)
				}
				return all, out.NextMarker, nil
			},
		},
		{
			"ListAliases",
			func(ctx context.Context, i int) (string, error) {
				name := fmt.Sprintf("a%03d", i)
				_, err := c.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: &name, FunctionVersion: new("$LATEST")})
				return name, err
			},
			func(ctx context.Context, name string) error {
				_, err := c.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: f, Name: &name})
				return err
			},
			func(ctx context.Context, marker *string, size *int32) (all []string, next *string, err error) {
				out, err := c.ListAliases(ctx, &lambda.ListAliasesInput{FunctionName: f, Marker: marker, MaxItems: size})
				if err != nil {
					return nil, nil, err
				}
				for _, f := range out.Aliases {
					all = append(all, *f.Name)
				}
				return all, out.NextMarker, nil
			},
		},
		{
			"ListLayers",
			func(ctx context.Context, i int) (string, error) {
				name := fmt.Sprintf("l%03d", i)
				_, err := layer(ctx, name)
				return name, err
			},
			func(ctx context.Context, name string) error {
				out, err := c.ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: &name})
				if err != nil {
					return err
				}
				for _, v := range out.LayerVersions {
					if _, err := c.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: &name, VersionNumber: &v.Version}); err != nil {
						return err
					}
				}
				return nil
			},
			func(ctx context.Context, marker *string, size *int32) (all []string, next *string, err error) {
				out, err := c.ListLayers(ctx, &lambda.ListLayersInput{Marker: marker, MaxItems: size})
				if err != nil {
					return nil, nil, err
				}
				for _, l := range out.Layers {
					all = append(all, *l.LayerName)
				}
				return all, out.NextMarker, nil
			},
		},
		{
			"ListLayerVersions",
			func(ctx context.Context, _ int) (string, error) { return layer(ctx, "versions") },
			func(ctx context.Context, version string) error {
				var n int64
				if _, err := fmt.Sscan(version, &n); err != nil {
					return err
				}
				_, err := c.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: new("versions"), VersionNumber: &n})
				return err
			},
			func(ctx context.Context, marker *string, size *int32) (all []string, next *string, err error) {
				out, err := c.ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: new("versions"), Marker: marker, MaxItems: size})
				if err != nil {
					return nil, nil, err
				}
				for _, v := range out.LayerVersions {
					all = append(all, fmt.Sprint(v.Version))
				}
				return all, out.NextMarker, nil
			},
		},
		{
			"ListEventSourceMappings",
			func(ctx context.Context, i int) (string, error) {
				out, err := c.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
					FunctionName: f, StartingPosition: types.EventSourcePositionLatest,
					EventSourceArn: new(fmt.Sprintf("arn:aws:kinesis:us-east-1:000000000000:stream/s%d", i)), Enabled: new(false),
				})
				if err != nil {
					return "", err
				}
				return *out.UUID, nil
			},
			func(ctx context.Context, uuid string) error {
				if _, err := c.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: &uuid}); err != nil {
					return err
				}
				a.mappingIs(uuid, "")
				return nil
			},
			func(ctx context.Context, marker *string, size *int32) (all []string, next *string, err error) {
				out, err := c.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{Marker: marker, MaxItems: size})
				if err != nil {
					return nil, nil, err
				}
				for _, m := range out.EventSourceMappings {
					all = append(all, *m.UUID)
				}
				return all, out.NextMarker, nil
			},
		},
		{
			"ListFunctionUrlConfigs",
			func(ctx context.Context, i int) (string, error) {
				alias := new(fmt.Sprintf("u%03d", i))
				if _, err := c.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: alias, FunctionVersion: new("$LATEST")}); err != nil {
					return "", err
				}
				out, err := c.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: f, Qualifier: alias, AuthType: types.FunctionUrlAuthTypeNone})
				if err != nil {
					return "", err
				}
				return *out.FunctionArn, nil
			},
			func(ctx context.Context, arn string) error {
				alias := new(arn[len(apiPrefix+"function:f:"):])
				if _, err := c.DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: f, Qualifier: alias}); err != nil {
					return err
				}
				_, err := c.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: f, Name: alias})
				return err
			},
			func(ctx context.Context, marker *string, size *int32) (all []string, next *string, err error) {
				out, err := c.ListFunctionUrlConfigs(ctx, &lambda.ListFunctionUrlConfigsInput{FunctionName: f, Marker: marker, MaxItems: size})
				if err != nil {
					return nil, nil, err
				}
				for _, u := range out.FunctionUrlConfigs {
					all = append(all, *u.FunctionArn)
				}
				return all, out.NextMarker, nil
			},
		},
	}
}

// TestAPIPagesStayTrueWhileEntriesComeAndGo walks through lists page by page while
// another client makes and removes entries between those that stay: nothing may be
// listed twice, and nothing that was there all the time may be missing.
func TestAPIPagesStayTrueWhileEntriesComeAndGo(t *testing.T) {
	const (
		staying = 9
		walks   = 12 // at least
		moves   = 12 // changes meanwhile, at least
	)
	a := serve(t)
	a.function("f")
	for _, l := range lists(a) {
		t.Run(l.name, func(t *testing.T) {
			ctx := t.Context()
			var stay []string
			// Entries that come and go lie between those that stay.
			for i := range staying {
				entry, err := l.add(ctx, i*10)
				if err != nil {
					t.Fatal(err)
				}
				stay = append(stay, entry)
			}
			stop := make(chan struct{})
			var changes atomic.Int64
			var wait sync.WaitGroup
			wait.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					entry, err := l.add(ctx, i%staying*10+5)
					if err == nil {
						err = l.remove(ctx, entry)
					}
					if err != nil {
						t.Errorf("change %d: %v", i, err)
						return
					}
					changes.Add(1)
				}
			})
			for walk := 0; walk < walks || changes.Load() < moves && !t.Failed(); walk++ {
				seen := map[string]int{}
				var marker *string
				size := new(int32(walk%4 + 1))
				for {
					entries, next, err := l.list(ctx, marker, size)
					if err != nil {
						t.Fatal(err)
					}
					if len(entries) > int(*size) {
						t.Errorf("a page of %d entries, want at most %d", len(entries), *size)
					}
					for _, e := range entries {
						if seen[e]++; seen[e] > 1 && slices.Contains(stay, e) {
							t.Errorf("walk %d in pages of %d: %s is listed twice", walk, *size, e)
						}
					}
					if marker = next; marker == nil {
						break
					}
				}
				for _, e := range stay {
					if seen[e] == 0 {
						t.Errorf("walk %d in pages of %d: %s is not listed", walk, *size, e)
					}
				}
			}
			close(stop)
			wait.Wait()
		})
	}
}
