package httpapi

import (
	"context"

	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
)

func (s *Service) importAPI(context.Context, *gw.ImportApiInput) (*gw.ImportApiOutput, error) {
	return nil, notServed("imports of HTTP APIs")
}

func (s *Service) reimportAPI(context.Context, *gw.ReimportApiInput) (*gw.ReimportApiOutput, error) {
	return nil, notServed("imports of HTTP APIs")
}
