import os
import sqlite3
import tempfile

# Outside the handler: one connection for each environment, not for each invoke.
# The database is a file in the environment's own /tmp, and counts for itself how
# often it was opened.
connection = sqlite3.connect(os.path.join(tempfile.gettempdir(), "orders.db"))
connection.execute("CREATE TABLE IF NOT EXISTS opened (id INTEGER PRIMARY KEY)")
connection.execute("CREATE TABLE IF NOT EXISTS orders (item TEXT)")
connection.execute("INSERT INTO opened DEFAULT VALUES")
connection.commit()


def lambda_handler(event, context):
    connection.execute("INSERT INTO orders VALUES (?)", (event.get("item", "lamp"),))
    connection.commit()
    orders = connection.execute("SELECT count(*) FROM orders").fetchone()[0]
    opened = connection.execute("SELECT count(*) FROM opened").fetchone()[0]
    return {"orders": orders, "connections_opened": opened}
