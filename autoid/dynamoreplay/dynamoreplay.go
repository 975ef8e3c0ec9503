// Package dynamoreplay is a memory of requests in a DynamoDB table, for auto-id servers that run on many machines.
//
// The table's partition key is "request", a binary. "expires" is a number to be made its time-to-live attribute: DynamoDB
// deletes what is past it, late but for certain, and nothing depends on when.
package dynamoreplay

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/awscall"
)

// Names of the table's attributes.
const (
	Key     = "request"
	Expires = "expires" // seconds since 1970
)

// A Table is the DynamoDB table of that name.
type Table struct {
	Account *awscall.Account
	Name    string
}

var _ autoid.Replays = Table{}

// Add implements [autoid.Replays]: one conditional write, which one of several servers succeeds in.
func (t Table) Add(ctx context.Context, transcript [32]byte, until time.Time) (isNew bool, err error) {
	cfg, err := t.Account.Config(ctx)
	if err != nil {
		return false, err
	}
	put := &dynamodb.PutItemInput{
		TableName: &t.Name,
		Item: map[string]types.AttributeValue{
			Key:     &types.AttributeValueMemberB{Value: transcript[:]},
			Expires: &types.AttributeValueMemberN{Value: strconv.FormatInt(until.Unix(), 10)},
		},
		ConditionExpression:      aws.String("attribute_not_exists(#k)"),
		ExpressionAttributeNames: map[string]string{"#k": Key},
	}
	// A write whose answer was lost must not be tried again: the second one would find the first, and call it a replay.
	// The client then makes a new request.
	once := func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
	_, err = dynamodb.NewFromConfig(cfg).PutItem(ctx, put, once)
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return false, nil
	}
	if err != nil {
		return false, awscall.Told("replays", err)
	}
	return true, nil
}
