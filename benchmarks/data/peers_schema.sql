-- The peers' tables, as the shop's first design has them, and the function that is PostGraphile's way to a mutation.
create table categories(
  id serial primary key,
  name varchar(100) not null unique,
  description varchar(500),
  created_at timestamptz not null default now());
create table products(
  id serial primary key,
  name varchar(200) not null,
  description text,
  price numeric(10,2) not null,
  stock_quantity int not null default 0,
  category_id int not null references categories(id),
  created_at timestamptz not null default now());
create index ix_products_name on products(name);
create index ix_products_category_id on products(category_id);
create index ix_products_created_at on products(created_at);
create table users(
  id serial primary key,
  email varchar(255) not null unique,
  full_name varchar(200) not null,
  created_at timestamptz not null default now());
create table orders(
  id serial primary key,
  user_id int not null references users(id),
  status varchar(50) not null default 'pending',
  total_amount numeric(10,2) not null,
  created_at timestamptz not null default now());
create index ix_orders_user_id on orders(user_id);
create index ix_orders_created_at on orders(created_at);
create table order_items(
  id serial primary key,
  order_id int not null references orders(id) on delete cascade,
  product_id int not null references products(id),
  quantity int not null,
  unit_price numeric(10,2) not null);
create index ix_order_items_order_id on order_items(order_id);
create index ix_order_items_product_id on order_items(product_id);
create type order_item_input as (product_id int, quantity int);
create function create_order(user_id int, items order_item_input[]) returns orders
language plpgsql volatile strict as $$
declare
  o orders; n int; r record; total numeric(10,2) := 0;
begin
  if coalesce(array_length(items,1),0) = 0 then raise exception 'order needs items'; end if;
  if exists (select 1 from unnest(items) i where i.quantity is null or i.quantity <= 0) then
    raise exception 'quantity must be positive'; end if;
  -- lock in id order
  n := 0;
  for r in select p.id, p.price, p.stock_quantity, w.q from products p
           join (select i.product_id, sum(i.quantity)::int q from unnest(items) i group by 1) w on w.product_id = p.id
           order by p.id for update of p loop
    if r.stock_quantity < r.q then raise exception 'insufficient stock for product %', r.id; end if;
    total := total + r.price * r.q; n := n + 1;
  end loop;
  if n <> (select count(distinct i.product_id) from unnest(items) i) then raise exception 'unknown product'; end if;
  insert into orders(user_id,status,total_amount) values (create_order.user_id,'pending',total) returning * into o;
  update products p set stock_quantity = p.stock_quantity - w.q
    from (select i.product_id, sum(i.quantity)::int q from unnest(items) i group by 1) w where p.id = w.product_id;
  insert into order_items(order_id,product_id,quantity,unit_price)
    select o.id, p.id, i.quantity, p.price from unnest(items) with ordinality i(product_id,quantity,ord)
    join products p on p.id = i.product_id order by ord;
  return o;
end $$;
