package radosgw_test

import (
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/internal/radosgw"
)

func TestAGatewayWithRolesComesUp(t *testing.T) {
	t.Parallel()
	s := radosgw.Start(t)
	arn := s.CreateRole(t, "wall", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Principal":{"AWS":["arn:aws:iam:::user/root"]},"Action":["sts:AssumeRole"]}]}`)
	if !strings.HasSuffix(arn, ":role/wall") {
		t.Errorf("the role's ARN is %q", arn)
	}
	s.PutRolePolicy(t, "wall", "all", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":"arn:aws:s3:::*"}]}`)
	if k := s.CreateUser(t, "somebody"); k.AccessKeyID == "" || k.Secret.Empty() {
		t.Error("a user without keys")
	}
}
