package restapi

import (
	"context"

	gw "github.com/aws/aws-sdk-go-v2/service/apigateway"
)

func (s *Service) importAPI(context.Context, *gw.ImportRestApiInput) (*gw.ImportRestApiOutput, error) {
	return nil, notServed("imports of REST APIs")
}

func (s *Service) putAPI(context.Context, *gw.PutRestApiInput) (*gw.PutRestApiOutput, error) {
	return nil, notServed("imports of REST APIs")
}
