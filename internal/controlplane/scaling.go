package controlplane

import (
	"context"
	"maps"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// latestPublished is the qualifier of the version that was published last.
const latestPublished = lambda.Latest + ".PUBLISHED"

// scalingRecord bounds the environments of a version. It is for functions on a
// capacity provider, of which there are none here; it is kept and shown.
type scalingRecord struct {
	Min *int32 `json:"min,omitempty"`
	Max *int32 `json:"max,omitempty"`
}

// PutFunctionScalingConfig records how many environments a version is to have at
// least and at most; without a configuration it takes it away (Lambda API,
// PutFunctionScalingConfig).
func (s *Service) PutFunctionScalingConfig(ctx context.Context, in *awslambda.PutFunctionScalingConfigInput) (*awslambda.PutFunctionScalingConfigOutput, error) {
	id, err := resolveWhole(lambda.CallerFrom(ctx), "PutFunctionScalingConfig", in.FunctionName)
	if err != nil {
		return nil, err
	}
	q := value(in.Qualifier)
	c := in.FunctionScalingConfig
	if c != nil && c.MinExecutionEnvironments != nil && c.MaxExecutionEnvironments != nil && *c.MinExecutionEnvironments > *c.MaxExecutionEnvironments {
		return nil, invalid("MinExecutionEnvironments cannot be greater than MaxExecutionEnvironments.")
	}
	var state lambda.State
	err = s.edit(ctx, id, func(e *edit) error {
		v, err := e.f.published(q)
		if err != nil {
			return err
		}
		state = v.value.State
		e.record.Scaling = maps.Clone(e.record.Scaling)
		if c == nil {
			delete(e.record.Scaling, q)
			return nil
		}
		e.record.Scaling = put(e.record.Scaling, q, scalingRecord{c.MinExecutionEnvironments, c.MaxExecutionEnvironments})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &awslambda.PutFunctionScalingConfigOutput{FunctionState: types.State(state)}, nil
}

// GetFunctionScalingConfig shows what PutFunctionScalingConfig recorded (Lambda API,
// GetFunctionScalingConfig).
func (s *Service) GetFunctionScalingConfig(ctx context.Context, in *awslambda.GetFunctionScalingConfigInput) (*awslambda.GetFunctionScalingConfigOutput, error) {
	id, err := resolveWhole(lambda.CallerFrom(ctx), "GetFunctionScalingConfig", in.FunctionName)
	if err != nil {
		return nil, err
	}
	q := value(in.Qualifier)
	f := s.view.function(id)
	if _, err := f.published(q); err != nil {
		return nil, err
	}
	out := &awslambda.GetFunctionScalingConfigOutput{FunctionArn: new(id.QualifiedARN(q))}
	if r, ok := f.record.value.Scaling[q]; ok {
		out.RequestedFunctionScalingConfig = &types.FunctionScalingConfig{MinExecutionEnvironments: r.Min, MaxExecutionEnvironments: r.Max}
	}
	return out, nil
}

// published finds a published version by its number or as the last one.
func (f *function) published(q string) (version, error) {
	number := q
	if q == latestPublished {
		number = versionLabel(f.record.value.Published.Version)
	}
	v, ok := f.version(number)
	if !ok || !f.exists {
		return v, notFound(f.id.QualifiedARN(q))
	}
	return v, nil
}
