package restapi

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/store"
)

// usagePlace is where the usage of a key in a plan is.
func usagePlace(plan shelf.Place, key string) shelf.Place {
	plan.ID += "." + key
	return plan
}

func noPlan() error { return lambdaNotFound("Invalid Usage Plan ID specified") }

func (s *Service) createPlan(ctx context.Context, in *gw.CreateUsagePlanInput) (*gw.CreateUsagePlanOutput, error) {
	p := desk.Place(ctx, new(shelf.NewID(6)))
	plan := &Plan{UsagePlan: *shape.As[types.UsagePlan](in)}
	plan.Id = &p.ID
	if plan.ApiStages == nil {
		plan.ApiStages = []types.ApiStage{}
	}
	if err := s.checkPlan(p, plan); err != nil {
		return nil, err
	}
	if len(s.plans.List(p.Account, p.Region)) >= plansMax {
		return nil, tooMany("Usage Plans")
	}
	if err := s.plans.Create(ctx, p, *plan); err != nil {
		return nil, err
	}
	return shape.As[gw.CreateUsagePlanOutput](&plan.UsagePlan), nil
}

// checkPlan refuses what AWS would.
func (s *Service) checkPlan(p shelf.Place, plan *Plan) error {
	if aws.ToString(plan.Name) == "" {
		return desk.BadRequest("Usage Plan name cannot be empty")
	}
	if q := plan.Quota; q != nil {
		if q.Limit < 1 {
			return desk.BadRequest("Usage Plan quota limit must be greater than 0")
		}
		if !slices.Contains(q.Period.Values(), q.Period) {
			return desk.BadRequest("Usage Plan quota period must be one of DAY, WEEK and MONTH")
		}
	}
	for _, st := range plan.ApiStages {
		e, ok := s.apis.Get(shelf.Place{Account: p.Account, Region: p.Region, ID: aws.ToString(st.ApiId)})
		if !ok {
			return lambdaNotFound("Invalid API identifier specified " + p.Account + ":" + aws.ToString(st.ApiId))
		}
		if _, ok := e.Doc.Stages[aws.ToString(st.Stage)]; !ok {
			return desk.NotFound("API Stage")
		}
	}
	return nil
}

func (s *Service) getPlan(ctx context.Context, in *gw.GetUsagePlanInput) (*gw.GetUsagePlanOutput, error) {
	e, ok := s.plans.Get(desk.Place(ctx, in.UsagePlanId))
	if !ok {
		return nil, noPlan()
	}
	return shape.As[gw.GetUsagePlanOutput](&e.Doc.UsagePlan), nil
}

func (s *Service) getPlans(ctx context.Context, in *gw.GetUsagePlansInput) (*gw.GetUsagePlansOutput, error) {
	c := lambda.CallerFrom(ctx)
	all := map[string]types.UsagePlan{}
	for _, e := range s.plans.List(c.Account, c.Region) {
		if in.KeyId == nil || e.Doc.Keys[*in.KeyId] {
			all[e.ID] = e.Doc.UsagePlan
		}
	}
	items, next := page(all, in.Limit, in.Position)
	return &gw.GetUsagePlansOutput{Items: items, Position: next}, nil
}

func (s *Service) updatePlan(ctx context.Context, in *gw.UpdateUsagePlanInput) (*gw.UpdateUsagePlanOutput, error) {
	p := desk.Place(ctx, in.UsagePlanId)
	var out *gw.UpdateUsagePlanOutput
	err := s.plans.Edit(ctx, p, func(plan *Plan) ([]store.Change, error) {
		if err := patch(&plan.UsagePlan, in.PatchOperations, patchPlan(&plan.UsagePlan)); err != nil {
			return nil, err
		}
		if err := s.checkPlan(p, plan); err != nil {
			return nil, err
		}
		out = shape.As[gw.UpdateUsagePlanOutput](&plan.UsagePlan)
		return nil, nil
	})
	if errors.Is(err, shelf.ErrMissing) {
		return nil, noPlan()
	}
	return out, err
}

// patchPlan takes the operations on a plan's stages, whose items are API:STAGE, and on
// the rates of single methods there.
func patchPlan(plan *types.UsagePlan) func(types.PatchOperation, []string) (bool, error) {
	return func(op types.PatchOperation, path []string) (bool, error) {
		if path[0] == "throttle" && len(path) == 1 && op.Op == types.OpRemove {
			plan.Throttle = nil
			return true, nil
		}
		if path[0] == "quota" && len(path) == 1 && op.Op == types.OpRemove {
			plan.Quota = nil
			return true, nil
		}
		if path[0] != "apiStages" {
			return false, nil
		}
		item := aws.ToString(op.Value)
		if len(path) > 1 {
			item = path[1]
		}
		api, stage, ok := strings.Cut(item, ":")
		at := slices.IndexFunc(plan.ApiStages, func(st types.ApiStage) bool {
			return aws.ToString(st.ApiId) == api && aws.ToString(st.Stage) == stage
		})
		switch {
		case !ok:
			return false, desk.BadRequest("Invalid API stage: %s", item)
		case len(path) > 2 && at >= 0:
			return true, patchStageThrottle(&plan.ApiStages[at], op, path[2:])
		case len(path) > 2:
			return false, desk.BadRequest("The usage plan has no stage %s", item)
		case op.Op == types.OpAdd && at < 0:
			plan.ApiStages = append(plan.ApiStages, types.ApiStage{ApiId: &api, Stage: &stage})
		case op.Op == types.OpRemove && at >= 0:
			plan.ApiStages = slices.Delete(plan.ApiStages, at, at+1)
		}
		return true, nil
	}
}

// patchStageThrottle takes throttle[/PATH/METHOD[/rateLimit or burstLimit]].
func patchStageThrottle(st *types.ApiStage, op types.PatchOperation, path []string) error {
	if path[0] != "throttle" || len(path) == 2 || len(path) > 4 {
		return desk.BadRequest("Invalid patch path '%s'", aws.ToString(op.Path))
	}
	if len(path) == 1 {
		if op.Op != types.OpRemove {
			return desk.BadRequest("Invalid patch path '%s'", aws.ToString(op.Path))
		}
		st.Throttle = nil
		return nil
	}
	key := path[1] + "/" + path[2]
	set := maps.Clone(st.Throttle)
	t := set[key]
	switch {
	case len(path) == 3 && op.Op == types.OpRemove:
		delete(set, key)
		st.Throttle = set
		return nil
	case len(path) == 4 && path[3] == "rateLimit":
		t.RateLimit = number(aws.ToString(op.Value))
	case len(path) == 4 && path[3] == "burstLimit":
		t.BurstLimit = int32(number(aws.ToString(op.Value)))
	default:
		return desk.BadRequest("Invalid patch path '%s'", aws.ToString(op.Path))
	}
	st.Throttle = desk.Put(set, key, t)
	return nil
}

func (s *Service) deletePlan(ctx context.Context, in *gw.DeleteUsagePlanInput) (*gw.DeleteUsagePlanOutput, error) {
	p := desk.Place(ctx, in.UsagePlanId)
	e, ok := s.plans.Get(p)
	if !ok {
		return nil, noPlan()
	}
	if len(e.Doc.ApiStages) > 0 {
		return nil, desk.BadRequest("Cannot delete Usage Plan %s because there are API stages associated with it", p.ID)
	}
	var more []store.Change
	for key := range e.Doc.Keys {
		more = append(more, s.usage.Drop(usagePlace(p, key)))
	}
	return &gw.DeleteUsagePlanOutput{}, s.plans.Delete(ctx, p, more...)
}

func (s *Service) createPlanKey(ctx context.Context, in *gw.CreateUsagePlanKeyInput) (*gw.CreateUsagePlanKeyOutput, error) {
	if aws.ToString(in.KeyType) != "API_KEY" {
		return nil, desk.BadRequest("Usage Plan Key type must be API_KEY")
	}
	k, ok := s.keys.Get(desk.Place(ctx, in.KeyId))
	if !ok {
		return nil, noKey()
	}
	err := s.plans.Edit(ctx, desk.Place(ctx, in.UsagePlanId), func(plan *Plan) ([]store.Change, error) {
		if plan.Keys[k.ID] {
			return nil, conflict("%s is already associated with this Usage Plan", k.ID)
		}
		plan.Keys = desk.Put(plan.Keys, k.ID, true)
		return nil, nil
	})
	if errors.Is(err, shelf.ErrMissing) {
		return nil, noPlan()
	}
	return shape.As[gw.CreateUsagePlanKeyOutput](planKey(k)), err
}

func planKey(k *shelf.Entry[Key]) *types.UsagePlanKey {
	return &types.UsagePlanKey{Id: k.Doc.Id, Name: k.Doc.Name, Type: new("API_KEY"), Value: k.Doc.Value}
}

func (s *Service) getPlanKey(ctx context.Context, in *gw.GetUsagePlanKeyInput) (*gw.GetUsagePlanKeyOutput, error) {
	plan, ok := s.plans.Get(desk.Place(ctx, in.UsagePlanId))
	if !ok {
		return nil, noPlan()
	}
	k, ok := s.keys.Get(desk.Place(ctx, in.KeyId))
	if !ok || !plan.Doc.Keys[k.ID] {
		return nil, lambdaNotFound("Invalid Usage Plan Key identifier specified")
	}
	return shape.As[gw.GetUsagePlanKeyOutput](planKey(k)), nil
}

func (s *Service) getPlanKeys(ctx context.Context, in *gw.GetUsagePlanKeysInput) (*gw.GetUsagePlanKeysOutput, error) {
	plan, ok := s.plans.Get(desk.Place(ctx, in.UsagePlanId))
	if !ok {
		return nil, noPlan()
	}
	all := map[string]types.UsagePlanKey{}
	for id := range plan.Doc.Keys {
		if k, ok := s.keys.Get(desk.Place(ctx, &id)); ok && strings.HasPrefix(aws.ToString(k.Doc.Name), aws.ToString(in.NameQuery)) {
			all[id] = *planKey(k)
		}
	}
	items, next := page(all, in.Limit, in.Position)
	return &gw.GetUsagePlanKeysOutput{Items: items, Position: next}, nil
}

func (s *Service) deletePlanKey(ctx context.Context, in *gw.DeleteUsagePlanKeyInput) (*gw.DeleteUsagePlanKeyOutput, error) {
	p := desk.Place(ctx, in.UsagePlanId)
	err := s.plans.Edit(ctx, p, func(plan *Plan) ([]store.Change, error) {
		id := aws.ToString(in.KeyId)
		if !plan.Keys[id] {
			return nil, lambdaNotFound("Invalid Usage Plan Key identifier specified")
		}
		delete(plan.Keys, id)
		return []store.Change{s.usage.Drop(usagePlace(p, id))}, nil
	})
	if errors.Is(err, shelf.ErrMissing) {
		return nil, noPlan()
	}
	return &gw.DeleteUsagePlanKeyOutput{}, err
}

func (s *Service) getUsage(ctx context.Context, in *gw.GetUsageInput) (*gw.GetUsageOutput, error) {
	p := desk.Place(ctx, in.UsagePlanId)
	plan, ok := s.plans.Get(p)
	if !ok {
		return nil, noPlan()
	}
	from, err := time.Parse(dateForm, aws.ToString(in.StartDate))
	to, err2 := time.Parse(dateForm, aws.ToString(in.EndDate))
	if err != nil || err2 != nil || to.Before(from) || to.Sub(from) > daysKept*24*time.Hour {
		return nil, desk.BadRequest("Usage dates must be of the form YYYY-MM-DD, in order, and at most %d days apart", daysKept)
	}
	out := &gw.GetUsageOutput{UsagePlanId: in.UsagePlanId, StartDate: in.StartDate, EndDate: in.EndDate, Items: map[string][][]int64{}}
	for id := range plan.Doc.Keys {
		if in.KeyId != nil && *in.KeyId != id {
			continue
		}
		days := s.days(usagePlace(p, id))
		for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
			date := day.Format(dateForm)
			remaining := int64(0)
			if q := plan.Doc.Quota; q != nil {
				first := periodStart(q, day)
				used := usedSince(days, first) - usedSince(days, day.AddDate(0, 0, 1).Format(dateForm))
				remaining = max(0, int64(q.Limit)-used)
			}
			out.Items[id] = append(out.Items[id], []int64{days[date], remaining})
		}
	}
	return out, nil
}
