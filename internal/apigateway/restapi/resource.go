package restapi

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/hearthfaas/hearth/internal/apigateway/desk"
	"github.com/hearthfaas/hearth/internal/apigateway/shape"
	"github.com/hearthfaas/hearth/internal/apigateway/shelf"
)

// pathPart is what a resource may be called.
var pathPart = regexp.MustCompile(`^(\{[a-zA-Z0-9._-]+\+?\}|[a-zA-Z0-9._~:@!$&'()*+,;=%-]+)$`)

func (s *Service) createResource(ctx context.Context, in *gw.CreateResourceInput) (*gw.CreateResourceOutput, error) {
	var out *gw.CreateResourceOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		r, err := d.addResource(aws.ToString(in.ParentId), aws.ToString(in.PathPart))
		out = shape.As[gw.CreateResourceOutput](&r)
		return err
	})
	return out, err
}

// addResource makes a resource below another.
func (d *Document) addResource(parent, part string) (types.Resource, error) {
	above, ok := d.Resources[parent]
	if !ok {
		return types.Resource{}, desk.NotFound("Resource")
	}
	if len(d.Resources) >= resourcesMax {
		return types.Resource{}, tooMany("Resources for this API")
	}
	r := types.Resource{Id: new(shelf.NewID(6)), ParentId: &parent, PathPart: &part}
	return r, d.putResource(&r, aws.ToString(above.Path))
}

// putResource keeps a resource below a path, after checking that it may be there.
func (d *Document) putResource(r *types.Resource, above string) error {
	part := *r.PathPart
	if !pathPart.MatchString(part) {
		return desk.BadRequest("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	if strings.HasSuffix(above, "+}") {
		return desk.BadRequest("Cannot create a child of a resource with a greedy path variable: %s", above)
	}
	for id, other := range d.Resources {
		if id == *r.Id || aws.ToString(other.ParentId) != aws.ToString(r.ParentId) {
			continue
		}
		switch there := aws.ToString(other.PathPart); {
		case there == part:
			return conflict("Another resource with the same parent already has this name: %s", part)
		case strings.HasPrefix(there, "{") && strings.HasPrefix(part, "{") && strings.HasSuffix(there, "+}") == strings.HasSuffix(part, "+}"):
			return desk.BadRequest("A sibling (%s) of this resource already has a variable path part -- only one is allowed", there)
		}
	}
	r.Path = new(strings.TrimSuffix(above, "/") + "/" + part)
	d.Resources[*r.Id] = *r
	return nil
}

// shown is a resource as lists show it: with the names of its methods only, unless
// they are asked for.
func shown(r types.Resource, embed []string) types.Resource {
	if len(r.ResourceMethods) == 0 || slices.Contains(embed, "methods") {
		return r
	}
	names := map[string]types.Method{}
	for name := range r.ResourceMethods {
		names[name] = types.Method{}
	}
	r.ResourceMethods = names
	return r
}

func (s *Service) getResource(ctx context.Context, in *gw.GetResourceInput) (*gw.GetResourceOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	r, ok := d.Resources[aws.ToString(in.ResourceId)]
	if !ok {
		return nil, desk.NotFound("Resource")
	}
	r = shown(r, in.Embed)
	return shape.As[gw.GetResourceOutput](&r), nil
}

func (s *Service) getResources(ctx context.Context, in *gw.GetResourcesInput) (*gw.GetResourcesOutput, error) {
	d, err := s.get(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all := map[string]types.Resource{}
	for id, r := range d.Resources {
		all[id] = shown(r, in.Embed)
	}
	items, next := page(all, in.Limit, in.Position)
	return &gw.GetResourcesOutput{Items: items, Position: next}, nil
}

func (s *Service) updateResource(ctx context.Context, in *gw.UpdateResourceInput) (*gw.UpdateResourceOutput, error) {
	var out *gw.UpdateResourceOutput
	err := s.edit(ctx, in.RestApiId, func(d *Document) error {
		r, ok := d.Resources[aws.ToString(in.ResourceId)]
		if !ok {
			return desk.NotFound("Resource")
		}
		if r.ParentId == nil {
			return desk.BadRequest("The root resource cannot be changed")
		}
		if err := patch(&r, in.PatchOperations, nil); err != nil {
			return err
		}
		above, ok := d.Resources[aws.ToString(r.ParentId)]
		if !ok || d.below(*r.ParentId, *r.Id) {
			return desk.BadRequest("Invalid parent: %s", aws.ToString(r.ParentId))
		}
		if err := d.putResource(&r, aws.ToString(above.Path)); err != nil {
			return err
		}
		d.repath(r)
		out = shape.As[gw.UpdateResourceOutput](&r)
		return nil
	})
	return out, err
}

// below says whether a resource is another or one below it.
func (d *Document) below(id, of string) bool {
	for id != "" {
		if id == of {
			return true
		}
		id = aws.ToString(d.Resources[id].ParentId)
	}
	return false
}

// repath writes the paths of what is below a resource anew.
func (d *Document) repath(of types.Resource) {
	for id, r := range d.Resources {
		if aws.ToString(r.ParentId) == *of.Id {
			r.Path = new(strings.TrimSuffix(*of.Path, "/") + "/" + aws.ToString(r.PathPart))
			d.Resources[id] = r
			d.repath(r)
		}
	}
}

func (s *Service) deleteResource(ctx context.Context, in *gw.DeleteResourceInput) (*gw.DeleteResourceOutput, error) {
	return &gw.DeleteResourceOutput{}, s.edit(ctx, in.RestApiId, func(d *Document) error {
		root := aws.ToString(in.ResourceId)
		r, ok := d.Resources[root]
		if !ok {
			return desk.NotFound("Resource")
		}
		if r.ParentId == nil {
			return desk.BadRequest("Root resource cannot be deleted")
		}
		var gone []string
		for id := range d.Resources {
			if d.below(id, root) {
				gone = append(gone, id)
			}
		}
		for _, id := range gone {
			delete(d.Resources, id)
		}
		return nil
	})
}
