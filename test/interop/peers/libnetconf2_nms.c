/* An NMS that is libnetconf2's nc_accept_callhome: serves one device after the other, each by one <get-config>. */
#include <stdio.h>
#include <stdlib.h>

#include <nc_client.h>
#include <unistd.h>

/* The device's key is not what this peer is there for: it listens on loopback. */
static int accept_host_key(const char *hostname, ssh_session session, void *priv) {
  (void)hostname, (void)session, (void)priv;
  return 0;
}

static int serve_one(void) {
  struct nc_session *session = NULL;
  struct lyd_node *envelope = NULL, *operation = NULL;
  uint64_t message_id;

  if (nc_accept_callhome(30000, NULL, &session) != 1) return 0;
  printf("accepted %u\n", nc_session_get_id(session));
  struct nc_rpc *rpc = nc_rpc_getconfig(NC_DATASTORE_RUNNING, NULL, NC_WD_UNKNOWN, NC_PARAMTYPE_CONST);
  if (nc_send_rpc(session, rpc, 1000, &message_id) != NC_MSG_RPC) return 0;
  if (nc_recv_reply(session, rpc, message_id, 10000, &envelope, &operation) != NC_MSG_REPLY) return 0;
  printf("replied\n");
  lyd_free_all(envelope);
  lyd_free_all(operation);
  nc_rpc_free(rpc);
  nc_session_free(session, NULL);
  printf("closed\n");
  return 1;
}

/* PORT USER PUBLIC-KEY PRIVATE-KEY SCHEMA-FOLDER DEVICES */
int main(int argc, char **argv) {
  if (argc != 7) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  /* libssh waits without a limit for a peer that says nothing in the middle of a handshake. */
  alarm(80);
  nc_client_init();
  nc_client_set_schema_searchpath(argv[5]);
  nc_client_ssh_ch_set_username(argv[2]);
  nc_client_ssh_ch_add_keypair(argv[3], argv[4]);
  nc_client_ssh_ch_set_auth_hostkey_check_clb(accept_host_key, NULL);
  if (nc_client_ssh_ch_add_bind_listen("127.0.0.1", (uint16_t)atoi(argv[1]))) return 1;
  printf("listening\n");
  for (int left = atoi(argv[6]); left > 0; left--) {
    if (!serve_one()) return 1;
  }
  nc_client_destroy();
  return 0;
}
